package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY_LICENSES anew")

const licensesFile = "THIRD_PARTY_LICENSES"

// THIRD_PARTY_LICENSES has the licenses and notices of everything that is in the binary, as they demand, and each is one that
// permits this.
func TestLicenses_AreComplete(t *testing.T) {
	want := licenses(t)
	if *update {
		if err := os.WriteFile(licensesFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(licensesFile)
	if err != nil || string(got) != want {
		t.Errorf("THIRD_PARTY_LICENSES is not that of the modules in the binary (%v): go test ./cmd/onsale -run TestLicenses -update", err)
	}
}

// licenses is the text of the file: a table of the modules, then each text once, with the modules that it is of.
func licenses(t *testing.T) string {
	t.Helper()
	modules := modulesOfBinary(t)
	modules["the standard library of Go"] = modules["golang.org/x/sys"] // the same license, word for word
	var table strings.Builder
	owners := map[string][]string{} // by text
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		var kinds []string
		files, err := os.ReadDir(modules[module])
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name, _, _ := strings.Cut(strings.ToLower(file.Name()), ".")
			notice := name == "notice"
			if file.IsDir() || !notice && !slices.ContainsFunc([]string{"license", "licence", "copying"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(modules[module], file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.TrimSpace(strings.ReplaceAll(string(content), "\r\n", "\n"))
			owners[text] = append(owners[text], module)
			if !notice {
				kinds = append(kinds, kindOf(text))
			}
		}
		if len(kinds) == 0 || slices.Contains(kinds, "") {
			t.Errorf("%s in %s has no license that is known here: %q", module, modules[module], kinds)
		}
		fmt.Fprintf(&table, "%s: %s\n", module, strings.Join(kinds, ", "))
	}
	var b strings.Builder
	b.WriteString("The onsale binary contains these modules. This file is made by: go test ./cmd/onsale -run TestLicenses -update\n\n" + table.String())
	texts := slices.SortedFunc(maps.Keys(owners), func(a, b string) int {
		return strings.Compare(owners[a][0]+a, owners[b][0]+b)
	})
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(owners[text], "\n"), text)
	}
	return b.String()
}

// modulesOfBinary are the directories of the modules that a binary for Linux or Windows contains.
func modulesOfBinary(t *testing.T) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for _, system := range []string{"linux", "windows"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", ".")
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		output, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(output)) {
			if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				modules[path] = dir
			}
		}
	}
	if len(modules) < 10 {
		t.Fatalf("the binary has %d modules", len(modules))
	}
	return modules
}

// kindOf names the licenses of a text; "" is one that nobody has looked at yet.
func kindOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	var kinds []string
	for _, known := range [][2]string{
		{"Apache-2.0", "Apache License Version 2.0, January 2004"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"BSD-3-Clause", "Neither the name of"},
		{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	} {
		if strings.Contains(text, known[1]) && (known[0] != "BSD-2-Clause" || !slices.Contains(kinds, "BSD-3-Clause")) {
			kinds = append(kinds, known[0])
		}
	}
	return strings.Join(kinds, " and ")
}
