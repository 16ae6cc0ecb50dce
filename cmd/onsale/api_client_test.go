// Commands to a node, without a browser.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

type commandResult struct {
	EventID string
	Result  struct{ HoldID string }
}

// sendCommand commands, and waits for the outcome.
func sendCommand(ctx context.Context, base, user, path, body string) (int, commandResult) {
	var a commandResult
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewBufferString(body))
	if err != nil {
		return 0, a
	}
	r.Header.Set("X-User-Id", user)
	r.Header.Set("Prefer", "wait=10")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, a
	}
	defer response.Body.Close()
	if json.NewDecoder(response.Body).Decode(&a) != nil {
		return 0, a
	}
	return response.StatusCode, a
}

// mustCommand wants its wish to be granted.
func mustCommand(tb testing.TB, base, user, path, body string) commandResult {
	tb.Helper()
	status, a := sendCommand(timeoutContext(tb, 15*time.Second), base, user, path, body)
	if status != http.StatusOK && status != http.StatusCreated {
		tb.Fatalf("%s %s by %s: got %d", path, body, user, status)
	}
	return a
}

// A small curl for the scripts, with the options that the README uses.

// httpMain is http [-i] [-H 'Name: value']… [-until TEXT] METHOD URL [BODY]. It waits for a node that is about to start,
// for twenty seconds at most. With -until it ends with the line that holds TEXT; a stream has no other end.
func httpMain() {
	if err := httpRun(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}

func httpRun(args []string, stdout io.Writer) error {
	header, until, headers := http.Header{}, "", false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch {
		case args[0] == "-i":
			headers = true
		case args[0] == "-H" && len(args) > 1:
			name, value, _ := strings.Cut(args[1], ": ")
			header.Set(name, value)
			args = args[1:]
		case args[0] == "-until" && len(args) > 1:
			until = args[1]
			args = args[1:]
		default:
			return errors.New("what is " + args[0])
		}
		args = args[1:]
	}
	if len(args) < 2 {
		return errors.New("a method and a URL are needed")
	}
	body := strings.Join(args[2:], " ")
	response, err := doWithRetry(args[0], args[1], header, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if headers {
		fmt.Fprintf(stdout, "%s\n", response.Status)
		for _, name := range slices.Sorted(maps.Keys(response.Header)) {
			fmt.Fprintf(stdout, "%s: %s\n", name, strings.Join(response.Header[name], ", "))
		}
		fmt.Fprintln(stdout)
	}
	for lines := bufio.NewReader(response.Body); ; {
		line, err := lines.ReadString('\n')
		if line != "" {
			fmt.Fprintln(stdout, strings.TrimSuffix(line, "\n"))
		}
		if err == io.EOF || err == nil && until != "" && strings.Contains(line, until) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// doWithRetry asks until somebody is there.
func doWithRetry(method, url string, header http.Header, body string) (*http.Response, error) {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header = header.Clone()
		if body != "" && r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "application/json")
		}
		response, err := http.DefaultClient.Do(r)
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(deadline) {
			return response, err
		}
	}
}
