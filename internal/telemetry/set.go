package telemetry

import (
	"slices"

	"github.com/quarry-search/quarry/internal/rag"
)

// other is the label of everything outside a closed set.
const other = "_other"

// The closed sets of labels.
var (
	surfaces     = []string{"native", "openai", "cohere"}
	operations   = []string{"search", "answer", "ingest", "read", "admin"}
	outcomes     = []string{"ok", "degraded", "client_error", "error", "canceled"}
	methods      = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	modes        = []string{"hybrid", "dense", "lexical", "exact", "browse"}
	searchStages = []string{"scope", "embed_query", "dense", "lexical", "fuse", "rerank", "diversify", "hydrate"}
	densePaths   = []string{"scan8", "scan1", "graph", "fallback", "exact"}
	generators   = []string{"extractive", "llm"}
	answerStages = []string{"retrieval", "generate", "verify"}
	results      = []string{"answered", "abstained", "error"}
	whyNot       = []string{"none", "no_hits", "weak"}
	verdicts     = []string{"quoted", "supported", "partial", "unsupported", "uncited"}
	sources      = []string{"api", "connector"}
	documents    = []string{"indexed", "unchanged", "skipped", "failed"}
	ingestStages = []string{"parse", "chunk", "commit", "embed", "index"}
	kinds        = []string{"markdown", "text", "html", "code", "pdf", "table", "data", "other"}
	embeddings   = []string{"computed", "reused", "failed"}
	followers    = []string{"embedder", "index", "eraser"}
	followerErrs = []string{"transient", "poison", "version"}
	freshness    = []string{"keyword", "vector", "access"}
	jobKinds     = []string{"ingest"}
	jobResults   = []string{"ok", "partial", "failed", "canceled"}
	signals      = []string{"traces", "freshness"}
)

// What calls to other servers are told apart by.
var (
	providers = []string{
		"openai", "azure", "gemini", "mistral", "cohere", "voyage", "jina", "ollama", "vllm", "llamacpp", "tei",
	}
	providerOperations = []string{"chat", "embeddings", "rerank"}
	providerErrors     = []string{"timeout", "rate_limited", "auth", "quota", "invalid", "unavailable", "filtered", "other"}
)

var reasons = []string{
	"none", string(rag.ReasonTooLarge), string(rag.ReasonUnsupported), string(rag.ReasonEncrypted),
	string(rag.ReasonEmpty), string(rag.ReasonNoText), string(rag.ReasonEncoding), string(rag.ReasonUnreadable),
	string(rag.ReasonSymlink), string(rag.ReasonName), string(rag.ReasonChanged), string(rag.ReasonPolicy),
	string(rag.ReasonParse), string(rag.ReasonTimeout), string(rag.ReasonMemory), string(rag.ReasonCanceled),
	string(rag.ReasonInvalid), string(rag.ReasonInternal),
}

var codes = []string{
	string(rag.CodeInvalid), string(rag.CodeFilter), string(rag.CodeUnknownField), string(rag.CodeNotFound),
	string(rag.CodeConflict), string(rag.CodePrecondition), string(rag.CodeTooLarge), string(rag.CodeUnsupported),
	string(rag.CodeIdempotency), string(rag.CodeRefused), string(rag.CodeMethod), string(rag.CodeOrigin),
	string(rag.CodeForbidden), string(rag.CodeUnauthorized), string(rag.CodeLimited), string(rag.CodeUnavailable),
	string(rag.CodeStale), string(rag.CodeTimeout), string(rag.CodeCanceled), string(rag.CodeInternal),
}

// among keeps value if it is in set; otherwise it is other, counted for
// metric.
func (m *Metrics) among(set []string, value, metric string) string {
	if slices.Contains(set, value) {
		return value
	}
	m.overflow.WithLabelValues(metric).Inc()
	return other
}

// closed is among without counting: for spans.
func closed(set []string, values ...string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = v; !slices.Contains(set, v) {
			out[i] = other
		}
	}
	return out
}

// none names the empty reason.
func none(reason string) string {
	if reason == "" {
		return "none"
	}
	return reason
}

// outcomeOf sorts an error into the outcomes that objectives count.
func outcomeOf(err error, degraded bool) string {
	switch rag.CodeOf(err) {
	case "":
		if degraded {
			return "degraded"
		}
		return "ok"
	case rag.CodeCanceled:
		return "canceled"
	case rag.CodeInternal, rag.CodeUnavailable, rag.CodeStale, rag.CodeTimeout, rag.CodeLimited:
		return "error"
	}
	return "client_error"
}
