package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowedImports are the packages that each folder may import of ours, with the reason. What is not listed is not allowed.
var allowedImports = map[string]struct {
	reason  string
	imports []string
}{
	"domain":          {"the rules know nothing but themselves", nil},
	"domain/compact":  {"tables of anything", nil},
	"domain/deadline": {"what log time changes", []string{"domain"}},
	"domain/waitlist": {"entries and offers of a waiting list", []string{"domain"}},
	"domain/coupons":  {"the kinds do not import each other", []string{"domain", "domain/compact", "domain/deadline", "domain/waitlist"}},
	"domain/seats":    {"", []string{"domain", "domain/deadline", "domain/waitlist"}},
	"domain/orders":   {"", []string{"domain", "domain/deadline"}},
	"domain/alarms":   {"", []string{"domain", "domain/compact"}},
	"domain/machine":  {"executes the commands of all kinds", append([]string{"domain/compact"}, rules...)},

	"streams": {"the logs' format is the rules' bodies; files of the login", append([]string{"config/readfile"}, rules...)},

	"projections":           {"the projector; the log is passed in", []string{"domain", "domain/coupons", "domain/orders", "domain/seats", "domain/machine", "projections/store"}},
	"projections/readahead": {"iterators of anything", nil},
	"projections/store":     {"rows of every kind; knows no projector", append([]string{"projections/readahead", "domain/compact", "domain/machine", "domain/waitlist"}, rules...)},
	"projections/audit":     {"decides again; counts money, seats and coupons; knows no store", []string{"projections/readahead", "domain", "domain/machine", "domain/coupons", "domain/orders", "domain/seats"}},

	"http": {"the API", append([]string{
		"projections", "projections/store", "http/auth", "http/jsonobject", "http/openapi", "http/payments/portone", "http/ratelimit", "http/schedulefile", "http/spreadsheet", "http/sse", "http/view", "http/web",
	}, rules...)},
	"http/auth":                {"who makes a request; knows no route", []string{"config/readfile"}},
	"http/client":              {"other programs use it: nothing of the server", nil},
	"http/jsonobject":          {"", nil},
	"http/openapi":             {"the document; what the API knows is passed in", nil},
	"http/openapi/openapitest": {"compares a server with its document; for tests", nil},
	"http/ratelimit":           {"keys and times, not requests", nil},
	"http/schedulefile":        {"files become commands of seats", []string{"domain/seats", "http/jsonobject", "http/spreadsheet"}},
	"http/spreadsheet":         {"cells and tables, of anything", []string{"domain"}},
	"http/view":                {"what clients see of the domain", rules},
	"http/view/viewtest":       {"samples for tests", nil},
	"http/sse": {"streams of events and of state", []string{
		"domain", "domain/coupons", "domain/orders", "domain/seats", "projections", "projections/store", "http/auth", "http/view", "http/sse/evloop",
	}},
	"http/sse/evloop":                   {"connections, not streams", nil},
	"http/payments":                     {"the log is passed in", []string{"domain", "domain/orders", "projections", "projections/store", "http/payments/portone"}},
	"http/payments/currency":            {"a table", nil},
	"http/payments/portone":             {"a client of the provider, in the provider's words", []string{"http/jsonobject", "http/payments/currency"}},
	"http/payments/portone/fakeportone": {"nothing of the client, or both might be wrong alike", nil},

	"config":          {"only cmd knows settings: no setting reaches a rule", []string{"config/readfile", "http/payments/currency"}},
	"config/readfile": {"files that settings name; knows no setting", nil},

	"cmd/onsale": {"", []string{"cmd/onsale/command"}},
	"cmd/onsale/command": {"the command line", []string{
		"cmd/onsale/node", "cmd/onsale/bench", "cmd/onsale/bench/load", "config", "config/readfile", "domain", "domain/alarms", "domain/coupons", "domain/orders", "domain/seats", "http",
		"http/auth", "http/client", "http/payments/portone/fakeportone",
		"projections/audit", "projections/store", "streams",
	}},
	"cmd/onsale/tracing":     {"what the node calls when tracing is on; no other package knows of traces", []string{"domain", "http/sse", "projections", "streams"}},
	"cmd/onsale/bench":       {"loads a node from outside", []string{"cmd/onsale/bench/load"}},
	"cmd/onsale/bench/load":  {"limits, ids and the client", []string{"domain", "domain/coupons", "domain/seats", "http/client"}},
	"cmd/onsale/e2e/harness": {"runs the whole process", []string{"cmd/onsale/command"}},
}

var rules = []string{"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms"}

// anyImports may import everything: the node wires all packages, the others are tests.
var anyImports = []string{"cmd/onsale/node", "cmd/onsale/e2e", "cmd/onsale/e2e/chaos", "cmd/onsale/e2e/browser", "cmd/onsale/e2e/clients", "cmd/onsale/e2e/cluster", "cmd/onsale/e2e/disconnect", "streams/streamtest"}

func TestImports_FollowTable(t *testing.T) {
	for folder, row := range allowedImports {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range parsed.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				pkg, ok := strings.CutPrefix(path, "onsale/")
				if ok && !slices.Contains(row.imports, pkg) {
					t.Errorf("%s imports %s, which %s may not import (%s)", file, path, folder, row.reason)
				}
				if strings.HasPrefix(folder, "domain") && !ok && strings.Contains(path, ".") {
					t.Errorf("%s imports %s; the rules use the standard library only", file, path)
				}
			}
		}
	}
}

// Every folder with Go code of this module is in one of the tables.
func TestImports_TableIsComplete(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != "../.." {
			if _, statErr := os.Stat(filepath.Join(path, "go.mod")); statErr == nil {
				return fs.SkipDir // a module of its own
			}
		}
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		folder, _ := filepath.Rel("../..", filepath.Dir(path))
		folder = filepath.ToSlash(folder)
		if _, known := allowedImports[folder]; !known && !slices.Contains(anyImports, folder) {
			t.Errorf("%s is in no row of the table", folder)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
