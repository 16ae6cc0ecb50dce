package command

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the versions of this binary and of what it contains",
		Args:  noArguments,
		RunE:  func(command *cobra.Command, _ []string) error { return version(command.OutOrStdout()) },
	}
}

func version(w io.Writer) error {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this binary was built without module support")
	}
	printVersion(w, build)
	return nil
}

// printVersion prints one line each for onsale, its revision if it is known, Go, and nats-server if it is linked in.
func printVersion(w io.Writer, build *debug.BuildInfo) {
	version := build.Main.Version
	if version == "" {
		version = "(devel)"
	}
	fmt.Fprintf(w, "onsale %s\n", version)
	settings := map[string]string{}
	for _, setting := range build.Settings {
		settings[setting.Key] = setting.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		changed := ""
		if settings["vcs.modified"] == "true" {
			changed = ", changed since"
		}
		fmt.Fprintf(w, "revision %s of %s%s\n", revision, settings["vcs.time"], changed)
	}
	fmt.Fprintf(w, "%s %s/%s\n", build.GoVersion, settings["GOOS"], settings["GOARCH"])
	for _, module := range build.Deps {
		if module.Path != "github.com/nats-io/nats-server/v2" {
			continue
		}
		if module.Replace != nil {
			module = module.Replace
		}
		fmt.Fprintf(w, "nats-server %s\n", module.Version)
	}
}
