// The flags of serve, replay and audit. What each does is in the file of its name.

package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onsale/config"
	"onsale/http/auth"
	"onsale/streams"
)

func serveCommand(environ []string) *cobra.Command {
	var check, access bool
	command := &cobra.Command{
		Use:   "serve [flags]",
		Short: "run a node",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			cfg, origins, faults := loadServe(command, environ)
			switch {
			case access && !check:
				return usageError{errors.New("--access prints a table and starts nothing"), "\"onsale serve --check --access\" prints it"}
			case access:
				return errors.Join(printAccess(command.OutOrStdout(), cfg), faults)
			case check:
				return errors.Join(cfg.Print(command.OutOrStdout(), origins), faults)
			}
			if faults != nil {
				return usageError{faults, "\"onsale serve --check\" shows every setting and its origin"}
			}
			return serve(command.Context(), cfg, command.ErrOrStderr())
		},
	}
	config.AddFlags(command.Flags())
	command.Flags().BoolVar(&check, "check", false, "print the configuration and all its faults, and exit")
	command.Flags().BoolVar(&access, "access", false, "with --check: print who may use which path instead")
	return command
}

// loadServe loads the configuration of a node. Whether a key set can verify tokens is the authenticator's knowledge, which config
// does not import.
func loadServe(command *cobra.Command, environ []string) (config.Config, config.Origins, error) {
	cfg, origins, err := config.Load(command.Flags(), environ)
	if cfg.Auth.Mode != "jwt" || cfg.Auth.JWKS == "" {
		return cfg, origins, err
	}
	if problem := auth.CheckKeySet(cfg.Auth.JWKS); errors.Is(problem, auth.ErrNoKey) { // config has seen whether it can be read
		faults, _ := errors.AsType[config.Faults](err)
		err = append(faults, config.Fault{
			From: origins.Of("auth.jwks"), What: "auth.jwks: " + problem.Error(), Hint: "a set of public keys, such as jwks.json of \"onsale token --new-key DIR\"",
		})
	}
	return cfg, origins, err
}

// replayQuery selects what is printed. From and To are each a command's sequence or a time, or empty for no bound.
type replayQuery struct {
	From, To string
	Subject  string // a NATS subject filter, or empty for all
	Format   string // text, jsonl or csv
}

func replayCommand(environ []string) *cobra.Command {
	var query replayQuery
	command := &cobra.Command{
		Use:   "replay [flags]",
		Short: "print commands and their events from the logs",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			formats := []string{"text", "jsonl", "csv"}
			if !slices.Contains(formats, query.Format) {
				return usageError{fmt.Errorf("--format is %q", query.Format), "one of " + strings.Join(formats, ", ")}
			}
			if query.Subject != "" && !streams.CanMatchEvents(query.Subject) {
				return usageError{fmt.Errorf("--subject is %q, which no event has", query.Subject),
					"evt.KIND.ENTITY.USER with wildcards: evt.*.*.kim, evt.seats.demo.>"}
			}
			cfg, err := logConfig(command, environ)
			if err != nil {
				return err
			}
			return runReplay(command.Context(), cfg, query, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	config.AddFlags(command.Flags(), append([]string{"data"}, natsFlags...)...)
	command.Flags().StringVar(&query.From, "from", "", "begin at this `SEQ|TIME`")
	command.Flags().StringVar(&query.To, "to", "", "end with this `SEQ|TIME`")
	command.Flags().StringVar(&query.Subject, "subject", "", "print only commands with an event whose subject (evt.KIND.ENTITY.USER) matches this `filter`")
	command.Flags().StringVar(&query.Format, "format", "text", "text, jsonl or csv")
	return command
}

func auditCommand(environ []string) *cobra.Command {
	var trace string
	command := &cobra.Command{
		Use:   "audit [flags]",
		Short: "decide every command of COMMANDS again and compare with EVENTS",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			cfg, err := logConfig(command, environ)
			if err != nil {
				return err
			}
			return runAudit(command.Context(), cfg, trace, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	config.AddFlags(command.Flags(), append([]string{"data"}, natsFlags...)...)
	command.Flags().StringVar(&trace, "trace", "", "print first the commands and events that name this `ID`: a request, user, promotion, schedule, product, seat (demo:17), coupon, hold, reservation, waiting entry, payment or alarm")
	return command
}

// natsFlags are the settings of a tool that reads a log on an external NATS.
var natsFlags = []string{
	"nats.url", "nats.prefix", "nats.context", "nats.user", "nats.password", "nats.token", "nats.nkey", "nats.creds",
	"nats.ca", "nats.cert", "nats.key", "nats.tlsFirst", "nats.domain", "nats.inboxPrefix",
}

// logConfig is the configuration of a tool that reads one log. --data overrides a NATS URL from the environment or the file.
func logConfig(command *cobra.Command, environ []string) (config.Config, error) {
	data, servers := command.Flags().Changed("data"), command.Flags().Changed("nats-url")
	if data && servers {
		return config.Config{}, usageError{errors.New("--data and --nats-url name two logs"), "give only one"}
	}
	cfg, _, faults := config.Load(command.Flags(), environ)
	if faults != nil {
		return config.Config{}, usageError{faults, "\"onsale serve --check\" shows every setting and its origin"}
	}
	if data {
		cfg.NATS.URL = nil
	}
	return cfg, nil
}
