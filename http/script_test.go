package http

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
)

// TestScripts plays testdata/*.txt, each in a world of its own. The language:
//
//	# a comment
//	the log stops | goes on | is silent | speaks      commands are delivered or not; events are stored or not
//	the next append is lost | unknown | full | closed | broken    (unknown: stored, but nobody says so)
//	a minute of the log passes                        its next messages are so much later
//	the provider says of imp_1: paid 20000            (or: missing, waiting, failed, cancelled 20000; under m1)
//	an hour passes · the node halts · the log is almost full · there is room
//	let NAME = words with ${NAMES}                    long is 65,600 letters x
//
//	GET /path                                         a request: its line, its headers, its body
//	Header: value
//	{"body": 1}
//	= 200                                             what is expected: the status,
//	= Header: value                                   a header (~ for a regular expression, ! for none),
//	= json.path: 1                                    a value in the body, as JSON (… · ~ ·  !)
//	= appends 0                                       how many commands were appended,
//	= body: text                                      the whole body (or body ~ expression)
//	keep NAME = json.path                             for ${NAME} in what follows
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := &player{T: t, world: newWorld(t), names: map[string]string{"epoch": testEpoch, "long": strings.Repeat("x", 65_600)}}
			lines := bufio.NewScanner(bytes.NewReader(text))
			for n := 1; lines.Scan(); n++ {
				p.at = fmt.Sprintf("%s:%d", file, n)
				p.play(os.Expand(lines.Text(), p.name))
			}
			p.send()
		})
	}
}

type player struct {
	*testing.T
	*world
	at    string
	names map[string]string

	request  *http.Request // being written
	body     string
	response *http.Response // to the last one that was sent
	answer   []byte
	value    any
	before   int // appends before it
}

func (p *player) name(name string) string {
	value, known := p.names[name]
	if !known {
		p.Fatalf("%s: ${%s} was not kept", p.at, name)
	}
	return value
}

var requestLine = regexp.MustCompile(`^[A-Z]{3,8} [/*]`)

func (p *player) play(line string) {
	switch {
	case strings.HasPrefix(line, "#") || line == "":
	case requestLine.MatchString(line):
		p.send()
		p.begin(line)
	case p.request != nil && strings.HasPrefix(line, "="):
		p.send()
		p.expect(strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "="):
		p.expect(strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "keep "):
		p.send()
		name, path, _ := strings.Cut(line[5:], " = ")
		value := p.find(path)
		if text, ok := value.(string); ok {
			p.names[name] = text
		} else {
			text, _ := json.Marshal(value)
			p.names[name] = string(text)
		}
	case p.request != nil && p.header(line):
	case p.request != nil:
		p.body += line
	default:
		p.happen(line)
	}
}

var headerLine = regexp.MustCompile(`^([A-Za-z-]+): ?(.*)$`)

func (p *player) header(line string) bool {
	match := headerLine.FindStringSubmatch(line)
	if match == nil || p.body != "" {
		return false
	}
	p.request.Header[http.CanonicalHeaderKey(match[1])] = append(p.request.Header[http.CanonicalHeaderKey(match[1])], match[2])
	return true
}

func (p *player) begin(line string) {
	method, path, _ := strings.Cut(line, " ")
	var err error
	if p.request, err = http.NewRequest(method, p.url+path, nil); err != nil {
		p.Fatalf("%s: %v", p.at, err)
	}
	p.body = ""
}

func (p *player) send() {
	if p.request == nil {
		return
	}
	r := p.request
	p.request = nil
	if p.body != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(p.body)), int64(len(p.body))
		if r.Header["Content-Type"] == nil {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	p.log.mu.Lock()
	p.before = p.log.appended
	p.log.mu.Unlock()
	noRedirects := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second,
	}
	var err error
	if p.response, err = noRedirects.Do(r); err != nil {
		p.Fatalf("%s: %v", p.at, err)
	}
	defer p.response.Body.Close()
	if p.answer, err = io.ReadAll(p.response.Body); err != nil {
		p.Fatalf("%s: %v", p.at, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(p.answer))
	decoder.UseNumber()
	if p.value = nil; decoder.Decode(&p.value) != nil {
		p.value = nil
	}
	if p.response.Header.Get("X-Request-Id") == "" {
		p.Errorf("%s: an answer without X-Request-Id", p.at)
	}
	if p.response.StatusCode == 500 {
		p.Errorf("%s: 500: %s", p.at, p.answer)
	}
}

var expectation = regexp.MustCompile(`^([^ ]+?)(:| ~| !)(?: (.*))?$`)

func (p *player) expect(what string) {
	if status, err := strconv.Atoi(what); err == nil {
		if p.response.StatusCode != status {
			p.Fatalf("%s: got %d, want %d: %s", p.at, p.response.StatusCode, status, p.answer)
		}
		return
	}
	if count, ok := strings.CutPrefix(what, "appends "); ok {
		p.log.mu.Lock()
		defer p.log.mu.Unlock()
		if got := strconv.Itoa(p.log.appended - p.before); got != count {
			p.Errorf("%s: %s commands were appended, want %s", p.at, got, count)
		}
		return
	}
	match := expectation.FindStringSubmatch(what)
	if match == nil {
		p.Fatalf("%s: cannot read %q", p.at, what)
	}
	got, there := p.look(match[1])
	switch want := match[3]; match[2] {
	case ":":
		if got != want {
			p.Errorf("%s: %s: got %s, want %s", p.at, match[1], got, want)
		}
	case " ~":
		if !regexp.MustCompile(want).MatchString(got) {
			p.Errorf("%s: %s: got %s, want a match of %s", p.at, match[1], got, want)
		}
	case " !":
		if there {
			p.Errorf("%s: %s is there: %s", p.at, match[1], got)
		}
	}
}

// look finds a header (they begin with a capital), the body, or a value in it as JSON.
func (p *player) look(what string) (text string, there bool) {
	if what == "body" {
		return string(p.answer), true
	}
	if what[0] >= 'A' && what[0] <= 'Z' {
		values := p.response.Header.Values(what)
		return strings.Join(values, " | "), len(values) > 0
	}
	value := p.find(what)
	if value == nil {
		return "", false
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		p.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// find walks a path like items.0.couponId.
func (p *player) find(path string) any {
	value := p.value
	for step := range strings.SplitSeq(path, ".") {
		switch at := value.(type) {
		case map[string]any:
			value = at[step]
		case []any:
			if step == "length" {
				value = json.Number(strconv.Itoa(len(at)))
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				return nil
			}
			value = at[i]
		default:
			return nil
		}
	}
	return value
}

var providerLine = regexp.MustCompile(`^the provider says of (\S+): (\S+)(?: (\d+))?(?: under (\S+))?$`)

func (p *player) happen(line string) {
	next := func(fault error, stores bool) { p.log.change(func() { p.log.fault, p.log.stores = fault, stores }) }
	if name, value, ok := strings.Cut(strings.TrimPrefix(line, "let "), " = "); ok && strings.HasPrefix(line, "let ") {
		p.names[name] = value
		return
	}
	if said := providerLine.FindStringSubmatch(line); said != nil {
		payment := orders.Payment{State: said[2], MerchantUID: said[4]}
		if said[3] != "" {
			payment.Amount, payment.Currency = must(strconv.ParseInt(said[3], 10, 64))(p), "KRW"
		}
		if payment.State == orders.PaymentCancelled {
			payment.Cancelled = payment.Amount
		}
		p.learn(p.T, said[1], payment)
		return
	}
	switch line {
	case "the log stops":
		p.log.change(func() { p.log.stopped = true })
	case "the log goes on":
		p.log.change(func() { p.log.stopped = false })
	case "the log is silent":
		p.log.change(func() { p.log.silent = true })
	case "the log speaks":
		p.log.change(func() { p.log.silent = false })
	case "the next append is lost":
		next(domain.ErrUnknown, false)
	case "the next append is unknown":
		next(domain.ErrUnknown, true)
	case "the next append is full":
		next(domain.ErrFull, false)
	case "the next append is closed":
		next(domain.ErrClosed, false)
	case "the next append is broken":
		next(fmt.Errorf("password=secret"), false)
	case "a minute of the log passes":
		p.log.change(func() { p.log.at = p.log.at.Add(time.Minute) })
	case "an hour passes":
		p.send()
		p.hour.Store(int64(time.Hour))
	case "the node halts":
		p.projector.halt("the chain is broken at event 7")
	case "the log is almost full":
		p.refusal.Store(&[2]string{logFull, "COMMANDS is 95 % full"})
	case "there is room":
		p.refusal.Store(nil)
	default:
		p.Fatalf("%s: nothing like this can happen: %s", p.at, line)
	}
}
