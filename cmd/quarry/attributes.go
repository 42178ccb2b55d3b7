package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/api"
)

// attributeFlags count, order and group what a search finds.
type attributeFlags struct {
	facets    []string
	sort      []string
	group     bool
	groupSize int
}

func (a *attributeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&a.facets, "facet", nil, "count the values of this attribute; FIELD:N lists N of them (repeatable)")
	flags.StringSliceVar(&a.sort, "sort", nil, "order by this attribute instead of by score; -FIELD descends (repeatable)")
	flags.BoolVar(&a.group, "group", false, "group by document: --top-k counts documents")
	flags.IntVar(&a.groupSize, "group-size", 0, "hits of one document at most, 1 to 100 (default 3; implies --group)")
}

// listing reports that no query is needed.
func (a *attributeFlags) listing() bool { return len(a.sort) > 0 || len(a.facets) > 0 }

// apply adds what the flags say to a request.
func (a *attributeFlags) apply(r *api.SearchRequest) error {
	if strings.TrimSpace(r.Query) == "" && r.Vector == nil && !a.listing() {
		return misuse("the query is empty: only --sort, --facet and --vector need none")
	}
	for _, s := range a.facets {
		field, limit, limited := strings.Cut(s, ":")
		f := api.FacetRequest{Field: field}
		if limited {
			n, err := strconv.Atoi(limit)
			if err != nil || n < 1 {
				return misuse("--facet takes a field, or a field and a number as in --facet kind:5")
			}
			f.Limit = n
		}
		r.Facets = append(r.Facets, f)
	}
	for _, s := range a.sort {
		key := api.SortKey{Field: strings.TrimPrefix(s, "-"), Order: "asc"}
		if key.Field != s {
			key.Order = "desc"
		}
		r.Sort = append(r.Sort, key)
	}
	if a.group || a.groupSize != 0 {
		r.GroupBy, r.GroupSize = "document", a.groupSize
	}
	return nil
}

// printFacets prints a table for each facet: on a terminal aligned, else a line
// of field, value and count for each value.
func (c *cli) printFacets(r api.SearchResponse) {
	if !terminal(c.out) {
		for _, f := range r.Facets {
			for _, v := range f.Values {
				fmt.Fprintf(c.out, "%s\t%s\t%d\n", f.Field, valueText(v.Value), v.Count)
			}
		}
		return
	}
	for _, f := range r.Facets {
		fmt.Fprintln(c.out)
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "%s\tDOCUMENTS\n", strings.ToUpper(f.Field))
		for _, v := range f.Values {
			fmt.Fprintf(w, "%s\t%d\n", valueText(v.Value), v.Count)
		}
		w.Flush()
		if more := f.Distinct - len(f.Values); more > 0 {
			fmt.Fprintln(c.out, dim(fmt.Sprintf("%s more", plural(int64(more), "value"))))
		}
		if f.Missing > 0 {
			fmt.Fprintln(c.out, dim(fmt.Sprintf("%s without it", plural(int64(f.Missing), "document"))))
		}
	}
}

// valueText writes a value as a person would.
func valueText(v any) string {
	if s, ok := v.(string); ok {
		return oneLine(s, 60)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
