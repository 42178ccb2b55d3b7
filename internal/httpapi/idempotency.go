package httpapi

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// Idempotency is the header that makes a POST repeatable.
type Idempotency struct {
	Key string `header:"Idempotency-Key" maxLength:"255" doc:"Any unique text: a repetition with the same key and body answers as the first one did, for a day"`
}

// once runs a request that creates something at most once for each key of a
// principal. A repetition gets the stored response; another body under the
// key is CodeIdempotency, a first run that is still going CodeConflict. What
// was refused or failed is not kept: it changed nothing and may be tried again.
func once[T any](ctx context.Context, s *server, p rag.Principal, key, operation string, request []byte, run func() (status int, body T, err error)) (int, T, error) {
	if key == "" {
		return run()
	}
	var none T
	// SECURITY: a key belongs to who used it; another principal's is another key.
	claim := rag.HashBytes(fmt.Appendf(nil, "%q %q %q %q", p.Tenant, p.Subject, operation, key)).String()
	stored, mine, err := s.Catalog.BeginKey(ctx, claim, rag.HashBytes(request))
	if err != nil {
		return 0, none, fmt.Errorf("claim idempotency key: %w", err)
	}
	if !mine {
		return replay[T](stored, rag.HashBytes(request))
	}
	after := context.WithoutCancel(ctx) // the claim must end even if the client left
	kept := false
	defer func() {
		if !kept {
			_ = s.Catalog.DropKey(after, claim) // forgotten after a day at the latest
		}
	}()
	status, body, err := run()
	if err != nil {
		return 0, none, err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return 0, none, fmt.Errorf("store response: %w", err)
	}
	if err := s.Catalog.EndKey(after, claim, status, b); err != nil {
		return 0, none, fmt.Errorf("store response: %w", err)
	}
	kept = true
	return status, body, nil
}

func replay[T any](stored rag.KeyRecord, request rag.Hash) (int, T, error) {
	var body T
	switch {
	case stored.Request != request:
		return 0, body, &rag.Error{Code: rag.CodeIdempotency, Field: "Idempotency-Key", Message: "this key was used for another request"}
	case !stored.Done:
		return 0, body, &rag.Error{Code: rag.CodeConflict, Field: "Idempotency-Key", Message: "the first request with this key is still running"}
	}
	if err := json.Unmarshal(stored.Body, &body); err != nil {
		return 0, body, fmt.Errorf("read stored response: %w", err)
	}
	return stored.Status, body, nil
}
