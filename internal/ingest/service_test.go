package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestPut(t *testing.T) {
	b := newBench(t)
	first := b.put("u:a", "One sentence. Another one.")
	if first.Result != rag.Indexed || first.Seq == 0 || first.NewChunks != 1 || first.Document.Version.Number != 1 {
		t.Errorf("first: %+v", first)
	}
	if names := stageNames(first); names != "parse chunk commit" {
		t.Errorf("stages %q", names)
	}
	if again := b.put("u:a", "One sentence. Another one."); again.Result != rag.Unchanged || again.Seq != first.Seq {
		t.Errorf("again: %+v", again)
	}
	if next := b.put("u:a", "One sentence. Another one, edited."); next.Result != rag.Indexed || next.Document.Version.Number != 2 {
		t.Errorf("edited: %+v", next)
	}
	if title := b.put("http://x/some%20name.txt", "t").Document.Version.Title; title != "some name.txt" {
		t.Errorf("title %q", title)
	}
}

// TestGivenTitleIsEmbedded holds chunks to the title that the caller gives.
func TestGivenTitleIsEmbedded(t *testing.T) {
	b := newBench(t)
	out, err := b.service.Put(t.Context(), writer, rag.Incoming{
		Collection: "docs", URI: "u:titled", Title: "Cold chains", Data: []byte("They must not break."),
	})
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := b.catalog.DocumentChunks(t.Context(), all, out.Document.ID, 1)
	if err != nil || len(chunks) != 1 || !strings.Contains(chunks[0].Context, "Cold chains") {
		t.Errorf("chunks %+v, error %v", chunks, err)
	}
}

func stageNames(out rag.Outcome) string {
	var names []string
	for _, s := range out.Stages {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func TestPutKeepsTheAccessList(t *testing.T) {
	b := newBench(t)
	access := func(in rag.Incoming) []string {
		in.Collection, in.URI = "docs", "u:a"
		out, err := b.service.Put(t.Context(), writer, in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Document.Access
	}
	for _, step := range []struct {
		in   rag.Incoming
		want []string
	}{
		{rag.Incoming{Data: []byte("1")}, []string{rag.Everyone}},
		{rag.Incoming{Data: []byte("2"), Access: []string{"user:ana"}}, []string{"user:ana"}},
		{rag.Incoming{Data: []byte("3")}, []string{"user:ana"}},
		{rag.Incoming{Data: []byte("4"), Access: []string{}}, nil},
		{rag.Incoming{Data: []byte("5")}, nil},
	} {
		if got := access(step.in); strings.Join(got, " ") != strings.Join(step.want, " ") {
			t.Errorf("%s: %q, want %q", step.in.Data, got, step.want)
		}
	}
}

func TestRefusalsAreResults(t *testing.T) {
	b := newBench(t)
	job, err := b.catalog.CreateJob(t.Context(), rag.Job{Collection: "docs", Source: SourceBatch, State: rag.JobRunning})
	if err != nil {
		t.Fatal(err)
	}
	b.parse = func(in rag.Incoming) (rag.Parsed, error) {
		switch string(in.Data) {
		case "panic":
			panic("secret words of the document")
		case "error":
			return rag.Parsed{}, errors.New("secret words of the parser")
		case "encrypted":
			return rag.Parsed{}, rag.Fail(rag.ReasonEncrypted, "")
		}
		return parsePlain(in)
	}
	want := map[string]string{
		"panic": "failed internal", "error": "failed parse", "encrypted": "failed encrypted",
		" ": "skipped empty", strings.Repeat("x", 1001): "skipped too_large", "fine": "indexed",
	}
	for data, result := range want {
		item := "u:" + data[:min(4, len(data))]
		if err := b.catalog.AddJobItems(t.Context(), job.ID, []string{item}); err != nil {
			t.Fatal(err)
		}
		out, err := b.service.Put(t.Context(), writer, rag.Incoming{Collection: "docs", URI: item, Data: []byte(data), Job: job.ID, Item: item})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(out.Result) + " " + string(out.Reason)); got != result {
			t.Errorf("%.10q: %q, want %q", data, got, result)
		}
		if strings.Contains(out.Detail, "secret") {
			t.Errorf("%.10q: the detail tells %q", data, out.Detail)
		}
	}
	if !b.saw("panic") {
		t.Error("nobody heard of the panic")
	}
	now, err := b.catalog.Job(t.Context(), job.ID)
	if err != nil || !now.Counts.Balanced() || now.Counts.Queued != 0 || now.Counts.Failed != 3 || now.Counts.Skipped != 2 {
		t.Errorf("balance %+v, %v", now.Counts, err)
	}
}

func TestPutErrors(t *testing.T) {
	b := newBench(t)
	seq := b.put("u:a", "text").Document.Seq
	for name, c := range map[string]struct {
		p    rag.Principal
		in   rag.Incoming
		want rag.Code
	}{
		"reader":     {rag.Principal{Subject: "r", Roles: []rag.Role{rag.RoleReader}}, rag.Incoming{Collection: "docs", URI: "u:b"}, rag.CodeForbidden},
		"nowhere":    {writer, rag.Incoming{Collection: "none", URI: "u:b", Data: []byte("x")}, rag.CodeNotFound},
		"nameless":   {writer, rag.Incoming{Collection: "docs", Data: []byte("x")}, rag.CodeInvalid},
		"reserved":   {writer, rag.Incoming{Collection: "docs", URI: "u:b", Attributes: map[string]filter.Value{"title": filter.StringOf("x")}}, rag.CodeInvalid},
		"exists":     {writer, rag.Incoming{Collection: "docs", URI: "u:a", Data: []byte("y"), IfAbsent: true}, rag.CodeConflict},
		"moved on":   {writer, rag.Incoming{Collection: "docs", URI: "u:a", Data: []byte("y"), IfSeq: seq + 7}, rag.CodePrecondition},
		"collection": {writer, rag.Incoming{URI: "u:a"}, rag.CodeInvalid},
	} {
		if _, err := b.service.Put(t.Context(), c.p, c.in); rag.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	got, err := b.catalog.Text(t.Context(), all, rag.DocumentID("docs", "u:a"), 0)
	if diff := cmp.Diff("text", got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
