package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/model"
)

func (c *cli) modelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Get, check and measure embedding models",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return misuse("say what to do with a model; see quarry model --help")
		},
	}
	cmd.AddCommand(
		c.modelPull(), c.modelImport(), c.modelList(), c.modelShow(), c.modelVerify(), c.modelRemove(), c.modelTest(), c.modelConvert(),
	)
	return cmd
}

func (c *cli) modelConvert() *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "convert DIR",
		Short: "Make one file of a model directory as published on Hugging Face",
		Long: "Reads model.safetensors, config.json and the tokenizer of DIR and writes one file\n" +
			"with quantised weights. Equal directories give equal bytes: so the built-in model\n" +
			"can be made again and compared.",
		Example: "  quarry model convert ./all-MiniLM-L6-v2 -o model.qmodel",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if output == "" {
				output = filepath.Base(filepath.Clean(args[0])) + ".qmodel"
			}
			var info model.Info
			err := writeFile(output, func(w io.Writer) (err error) {
				info, err = model.Convert(args[0], w)
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s\t%s\t%d dimensions\t%s\n", output, info.Name, info.Dim, info.Fingerprint)
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write (default: the folder's name with .qmodel)")
	return cmd
}

// writeFile writes a file that is whole or not there.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}

func (c *cli) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Tell version, commit, model and CPU kernels",
		Example: "  quarry version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, err := app.VersionInfo(c.config)
			if err != nil {
				return err
			}
			if c.json {
				return json.NewEncoder(c.out).Encode(v)
			}
			fmt.Fprintf(c.out, "quarry %s\ncommit   %s\nbuilt    %s, %s\n", v.Version, v.Revision, v.Go, v.Platform)
			for _, m := range v.Models {
				fmt.Fprintf(c.out, "model    %s (%d dimensions), fingerprint %s\n", m.Name, m.Dimension, m.Fingerprint)
			}
			fmt.Fprintf(c.out, "kernels  encoder %s, index %s\n", v.Kernels["encoder"], v.Kernels["index"])
			return nil
		},
	}
	c.jsonFlag(cmd)
	return cmd
}
