package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowedImports are the packages that each folder may import of ours. What is not listed is not allowed.
var allowedImports = map[string][]string{
	"domain":                            {},                                                                             // the rules know nothing
	"domain/deadline":                   {"domain"},                                                                     // what time changes
	"domain/waitlist":                   {},                                                                             // a line of people
	"domain/coupons":                    {"domain", "domain/deadline", "domain/waitlist"},                               // a sale knows its words
	"domain/seats":                      {"domain", "domain/deadline", "domain/waitlist"},                               //
	"domain/orders":                     {"domain", "domain/deadline"},                                                  //
	"domain/alarms":                     {"domain"},                                                                     //
	"domain/machine":                    {"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms"}, // one counter for all rules
	"streams":                           {"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms"}, // the logs' formats are the rules' words
	"projections":                       {"domain", "domain/orders", "domain/machine", "projections/store"},             // the log is passed in
	"projections/store":                 {"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms", "domain/machine"},
	"projections/audit":                 {"domain", "domain/machine"}, // and not the store
	"http":                              {"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms", "projections", "projections/store", "http/payments/portone", "http/jsonobject", "http/schedulefile", "http/sse", "http/view", "http/web"},
	"http/view":                         {"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms"}, // what clients see of the domain
	"http/jsonobject":                   {},
	"http/schedulefile":                 {"domain/seats", "http/jsonobject"},
	"http/view/viewtest":                {},
	"http/sse":                          {"domain", "domain/coupons", "domain/seats", "domain/orders", "domain/alarms", "projections", "projections/store", "http/view"},
	"http/payments":                     {"domain", "domain/orders", "projections", "projections/store", "http/payments/portone"}, // it is handed the events that wake it
	"http/payments/portone":             {"http/jsonobject"},                                                                      // what a payment is, it says in its own words
	"http/payments/portone/fakeportone": {},                                                                                       // and nothing of the client, or both might err alike
	"config":                            {},                                                                                       // only cmd knows settings: no setting reaches a rule

	"cmd/onsale":             {"cmd/onsale/command"},
	"cmd/onsale/command":     {"cmd/onsale/node", "cmd/onsale/bench", "cmd/onsale/bench/load", "config", "domain", "domain/coupons", "domain/orders", "domain/seats", "http/payments/portone/fakeportone", "projections/audit", "projections/store", "streams"},
	"cmd/onsale/bench":       {"cmd/onsale/bench/load"},                            // it loads a node from outside
	"cmd/onsale/bench/load":  {"domain", "domain/coupons", "domain/seats", "http"}, // limits, ids and the client
	"cmd/onsale/e2e/harness": {"cmd/onsale/command"},                               // the whole process
}

// The node wires everything; only tests use the others.
var anyImports = []string{"cmd/onsale/node", "cmd/onsale/e2e", "cmd/onsale/e2e/chaos", "cmd/onsale/e2e/browser", "cmd/onsale/e2e/disconnect", "streams/streamtest"}

func TestImports_FollowTable(t *testing.T) {
	for folder, allowed := range allowedImports {
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
				if ok && !slices.Contains(allowed, pkg) {
					t.Errorf("%s imports %s, which %s may not know", file, path, folder)
				}
				if strings.HasPrefix(folder, "domain") && !ok && strings.Contains(path, ".") {
					t.Errorf("%s imports %s; the rules use the standard library only", file, path)
				}
			}
		}
	}
}

// Every folder with Go code is in one of the tables.
func TestImports_TableIsComplete(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
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
