package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// httpRun is a small curl: http [-i] [-H 'Name: value']… [-until TEXT] METHOD URL [BODY]. It retries for up to 20 s while the
// connection is refused. With -until it stops after the line that holds TEXT, since a stream has no other end.
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
			return errors.New("unknown option " + args[0])
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

// doWithRetry retries while the connection is refused.
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

var shellWord = regexp.MustCompile(`'([^']*)'|(\S+)`)

// Curl runs a curl command of the documentation against this node instead of 127.0.0.1:8080.
func (n *Node) Curl(command string) (string, error) {
	var args []string
	method, body, address := "GET", "", ""
	all := shellWord.FindAllStringSubmatch(command, -1)[1:]
	word := func(i int) string { return all[i][1] + all[i][2] }
	for i := 0; i < len(all); i++ {
		switch w := word(i); w {
		case "-s", "-N":
		case "-i":
			args = append(args, "-i")
		case "-X":
			i++
			method = word(i)
		case "-H":
			i++
			args = append(args, "-H", word(i))
		case "-d":
			i++
			body = word(i)
		default:
			address = strings.Replace(w, "127.0.0.1:8080", n.Addr, 1)
		}
	}
	if body != "" && method == "GET" {
		method = "POST"
	}
	args = append(args, method, address)
	if body != "" {
		args = append(args, body)
	}
	var out strings.Builder
	done := make(chan error, 1)
	go func() { done <- httpRun(args, &out) }()
	select {
	case err := <-done:
		return out.String(), err
	case <-time.After(20 * time.Second):
		return "", os.ErrDeadlineExceeded
	}
}
