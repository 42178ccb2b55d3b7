package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/model/store"
)

func (c *cli) modelList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the built-in model and the installed ones",
		Long:    "Lists the models that are here. One that is damaged is named as such, with what is\nwrong: model verify says which file, model pull or import mends it.",
		Example: "  quarry model list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			models := app.NewModels(c.config)
			m, err := model.Builtin()
			if err != nil {
				return err
			}
			views := []modelView{viewOf(store.Entry{}, m.Info())}
			entries, err := models.Store().List()
			if err != nil {
				return err
			}
			for _, e := range entries {
				m, err := models.Store().Open(e.Name)
				if err != nil { // the others can still be used
					views = append(views, modelView{Name: e.Name, ID: e.ID, Revision: e.Revision, Fingerprint: e.Fingerprint, Fault: err.Error()})
					continue
				}
				v := viewOf(e, m.Info())
				v.Files = nil
				views = append(views, v)
			}
			if c.json {
				return json.NewEncoder(c.out).Encode(map[string][]modelView{"models": views})
			}
			table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tFROM\tKIND\tDIM\tTOKENS\tPARAMETERS\tWEIGHTS\tLICENCE\tFINGERPRINT")
			for _, v := range views {
				if v.Fault != "" {
					fmt.Fprintf(table, "%s\t%s\tdamaged\t\t\t\t\t\t%s\n", v.Name, plain(v.ID), v.Fingerprint)
					continue
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%.1f M\t%s\t%s\t%s\n", v.Name, plain(v.ID), v.Kind, v.Dimension, v.MaxTokens,
					float64(v.Parameters)/1e6, v.Quantisation, plain(v.License), v.Fingerprint)
			}
			if err := table.Flush(); err != nil {
				return err
			}
			for _, v := range views {
				if v.Fault != "" {
					fmt.Fprintf(c.err, "%s: %s\n", v.Name, plain(v.Fault))
				}
			}
			return nil
		},
	}
	c.jsonFlag(cmd)
	return cmd
}

func (c *cli) modelShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a model, where it is from and its pinned files",
		Example: "  quarry model show all-MiniLM-L6-v2",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			models := app.NewModels(c.config)
			m, err := models.Open(args[0])
			if err != nil {
				return err
			}
			e, _, err := models.Store().Entry(args[0])
			if err != nil {
				return err
			}
			v := viewOf(e, m.Info())
			if c.json {
				return json.NewEncoder(c.out).Encode(v)
			}
			fmt.Fprintf(c.out, "%s from %s %s\n", v.Name, plain(v.ID), v.Revision)
			c.describe(v)
			for _, f := range v.Files {
				fmt.Fprintf(c.out, "%s  %12d  %s\n", f.SHA256, f.Size, plain(f.Path))
			}
			return nil
		},
	}
	c.jsonFlag(cmd)
	return cmd
}

func (c *cli) modelVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "verify [NAME]",
		Short:   "Compare installed models with models.lock",
		Long:    "Hashes the published files of one model, or of all, compares them with models.lock,\nand checks the converted file. The exit code is 1 when anything differs.",
		Example: "  quarry model verify\n  quarry model verify all-MiniLM-L6-v2 --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			models := app.NewModels(c.config).Store()
			if len(args) == 0 {
				entries, err := models.List()
				if err != nil {
					return err
				}
				for _, e := range entries {
					args = append(args, e.Name)
				}
			}
			type result struct {
				Name   string   `json:"name"`
				Faults []string `json:"faults"`
			}
			results, bad := []result{}, false
			for _, name := range args {
				faults, err := models.Verify(name)
				if err != nil {
					return err
				}
				bad = bad || len(faults) > 0
				results = append(results, result{name, append([]string{}, faults...)})
			}
			if c.json {
				if err := json.NewEncoder(c.out).Encode(map[string][]result{"models": results}); err != nil {
					return err
				}
			}
			for _, r := range results {
				if c.json {
					break
				}
				if len(r.Faults) == 0 {
					fmt.Fprintf(c.out, "%s: as pinned\n", r.Name)
				}
				for _, fault := range r.Faults {
					fmt.Fprintf(c.out, "%s: %s\n", r.Name, plain(fault))
				}
			}
			if bad {
				return fmt.Errorf("models differ from %s: pull or import them again", store.LockName)
			}
			return nil
		},
	}
	c.jsonFlag(cmd)
	return cmd
}

func (c *cli) modelRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Short:   "Delete an installed model",
		Example: "  quarry model remove multilingual-e5-small",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := app.NewModels(c.config).Remove(args[0]); err != nil {
				return err
			}
			if c.json {
				return json.NewEncoder(c.out).Encode(map[string]string{"removed": args[0]})
			}
			fmt.Fprintf(c.out, "%s is removed\n", args[0])
			return nil
		},
	}
	c.jsonFlag(cmd)
	return cmd
}
