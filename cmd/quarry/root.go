package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/rag"
	"github.com/quarry-search/quarry/internal/telemetry"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUse    = 2
)

// usageError marks what the caller did wrong on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func misuse(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errSaid ends a command with exit code 1 when all has been said already.
var errSaid = errors.New("failed")

// cli is one invocation: where it prints and what was configured.
type cli struct {
	in       io.Reader
	out, err io.Writer
	config   config.Config
	file     string // --config
	json     bool   // --json
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	c := &cli{in: in, out: out, err: errs}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitFine
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintln(errs, "quarry: "+sentence(err))
	}
	var use *usageError
	if errors.As(err, &use) {
		return exitUse
	}
	switch client.Code(err) {
	case string(rag.CodeInvalid), string(rag.CodeFilter), string(rag.CodeUnknownField):
		return exitUse
	}
	return exitFailed
}

// sentence is an error for people: of one with a code only the safe message.
func sentence(err error) string {
	var coded *rag.Error
	if errors.As(err, &coded) && coded.Err == nil {
		return coded.Message
	}
	return err.Error()
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quarry",
		Short: "Search and cited answers over your own documents",
		Long: "Quarry finds passages by meaning and by words, and answers questions with\n" +
			"citations that are checked byte by byte. One binary, no network, no keys.",
		Example:       "  quarry up ./docs\n  quarry ask \"how is the index rebuilt?\"",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	defaults := config.Default()
	flags := root.PersistentFlags()
	flags.StringVar(&c.file, "config", "", "configuration file (YAML)")
	for _, s := range config.Settings(&defaults) {
		switch s.Key {
		case "data", "listen", "server", "model", "log_level", "log_format":
			flags.String(s.Flag(), s.Value.String(), s.Usage)
		}
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return c.load(cmd.Flags()) }
	root.AddCommand(
		c.upCommand(), c.serveCommand(), c.ingestCommand(), c.searchCommand(), c.askCommand(),
		c.fsckCommand(), c.compactCommand(), c.evalCommand(), c.benchCommand(), c.modelCommand(), c.versionCommand(),
	)
	markMisuse(root)
	return root
}

// serverFlags are the settings that only a serving process has.
func (c *cli) serverFlags(cmd *cobra.Command) {
	defaults := config.Default()
	for _, s := range config.Settings(&defaults) {
		switch s.Key {
		case "data", "listen", "server", "model", "log_level", "log_format":
		default:
			if s.HasFlag() {
				cmd.Flags().String(s.Flag(), s.Value.String(), s.Usage)
			}
		}
	}
}

// markMisuse turns the errors of argument checks into usage errors.
func markMisuse(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return misuse("%w; see %s --help", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		markMisuse(sub)
	}
}

// load merges the configuration with the flags that were given.
func (c *cli) load(flags *pflag.FlagSet) error {
	given := map[string]string{}
	flags.Visit(func(f *pflag.Flag) { given[strings.ReplaceAll(f.Name, "-", "_")] = f.Value.String() })
	loaded, err := config.Load(config.Source{File: c.file, Flags: given})
	if err != nil {
		return &usageError{err}
	}
	c.config = loaded
	return nil
}

// terminal reports whether w is a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// logger writes to stderr. level is the command's own default.
func (c *cli) logger(level string) (*slog.Logger, error) {
	if c.config.LogLevel != "" {
		level = c.config.LogLevel
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, misuse("log level: %w", err)
	}
	format := c.config.LogFormat
	if format == "auto" && terminal(c.err) {
		format = "text"
	} else if format == "auto" {
		format = "json"
	}
	return telemetry.NewLogger(c.err, format, l)
}
