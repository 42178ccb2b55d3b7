package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/api"
)

func (c *cli) askCommand() *cobra.Command {
	var q queryFlags
	var sentences int
	cmd := &cobra.Command{
		Use:   `ask "QUESTION"`,
		Short: "Answer with numbered citations",
		Long: "Answers with the verbatim sentences that best answer the question, each with\n" +
			"its place and the quoted words, or says that nothing fits.",
		Example: `  quarry ask "what is the only source of truth?"
  quarry ask "who may see a document?" --collection docs --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if strings.TrimSpace(text) == "" {
				return misuse("the question is empty")
			}
			search, err := q.request(text)
			if err != nil {
				return err
			}
			request := api.AnswerRequest{SearchRequest: search, MaxSentences: sentences}
			return c.withServer(cmd.Context(), func(conn *connection) error {
				if c.json {
					return c.verbatim(conn, func() error {
						_, err := conn.Answer(cmd.Context(), request)
						return err
					})
				}
				return c.stream(cmd.Context(), conn, request)
			})
		},
	}
	q.register(cmd, 10)
	cmd.Flags().IntVar(&sentences, "max-sentences", 0, "sentences quoted at most, 1 to 10 (default 3)")
	c.jsonFlag(cmd)
	return cmd
}

// stream prints the answer as it comes, then its citations.
func (c *cli) stream(ctx context.Context, conn *connection, request api.AnswerRequest) error {
	var done *api.AnswerResponse
	err := conn.AnswerStream(ctx, request, func(e api.Event) error {
		switch {
		case e.Delta != nil:
			fmt.Fprint(c.out, multiline(e.Delta.Text))
		case e.Done != nil:
			done = &e.Done.Answer
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out)
	if done.Result == "abstained" {
		c.printNearest(done.Search)
		return nil
	}
	fmt.Fprintln(c.out)
	for _, cite := range done.Citations {
		place := placeOf(cite.URI, cite.Locator)
		if terminal(c.out) {
			place = bold(place)
		}
		fmt.Fprintf(c.out, "[%d] %s\n    \"%s\"\n", cite.Number, place, oneLine(cite.Quote, 500))
	}
	return nil
}

// multiline is plain that keeps line breaks.
func multiline(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// printNearest shows what comes closest when there is no answer.
func (c *cli) printNearest(r api.SearchResponse) {
	for i, h := range r.Hits {
		if i == 3 {
			return
		}
		fmt.Fprintf(c.out, "    %s  %s\n", placeOf(h.URI, h.Locator), oneLine(h.Quote, 100))
	}
}
