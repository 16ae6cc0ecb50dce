package http

import (
	"bufio"
	"bytes"
	"cmp"
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

// TestAPI_PlaysScripts plays testdata/*.txt, each with a fixture of its own. The language:
//
//	# a comment
//	commands are delivered | not delivered · events are stored | not stored
//	the next append is lost | unknown | full | closed | broken    (lost and unknown: not acknowledged; unknown: stored)
//	the clock of the log advances by a minute · the clock of the node advances by an hour
//	the provider says of imp_1: paid 20000            (or: missing, waiting, failed, cancelled 20000; paid 20000 refunded 5000; under m1)
//	the node halts · the log is almost full · the log has room
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
//	kim POST /path {"body": 1} is refused: field: why  400 invalid_body for the field, and nothing is appended; why may be left out,
//	… is refused with invalid_id: field                and the code may be another
//	keep NAME = json.path                             for ${NAME} in what follows
func TestAPI_PlaysScripts(t *testing.T) {
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
			p := &scriptRunner{T: t, fixture: newFixture(t), vars: map[string]string{"epoch": testEpoch, "long": strings.Repeat("x", 65_600)}}
			lines := bufio.NewScanner(bytes.NewReader(text))
			for n := 1; lines.Scan(); n++ {
				p.pos = fmt.Sprintf("%s:%d", file, n)
				p.runLine(os.Expand(lines.Text(), p.variable))
			}
			p.send()
		})
	}
}

type scriptRunner struct {
	*testing.T
	*fixture
	pos  string
	vars map[string]string

	request        *http.Request // being written
	body           string
	response       *http.Response // to the last one that was sent
	responseBody   []byte
	decoded        any
	appendedBefore int // appends before it
}

func (p *scriptRunner) variable(name string) string {
	value, known := p.vars[name]
	if !known {
		p.Fatalf("%s: ${%s} was not kept", p.pos, name)
	}
	return value
}

var requestLine = regexp.MustCompile(`^[A-Z]{3,8} [/*]`)

func (p *scriptRunner) runLine(line string) {
	switch {
	case strings.HasPrefix(line, "#") || line == "":
	case refusalLine.MatchString(line):
		p.send()
		p.checkRefusal(refusalLine.FindStringSubmatch(line))
	case requestLine.MatchString(line):
		p.send()
		p.startRequest(line)
	case p.request != nil && strings.HasPrefix(line, "="):
		p.send()
		p.expect(strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "="):
		p.expect(strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "keep "):
		p.send()
		name, path, _ := strings.Cut(line[5:], " = ")
		value := p.findJSON(path)
		if text, ok := value.(string); ok {
			p.vars[name] = text
		} else {
			text, _ := json.Marshal(value)
			p.vars[name] = string(text)
		}
	case p.request != nil && p.header(line):
	case p.request != nil:
		p.body += line
	default:
		p.runDirective(line)
	}
}

var refusalLine = regexp.MustCompile(`^(\S+) POST (\S+) (\{.*\}) is refused(?: with (\w+))?: ([^:]+)(?:: (.+))?$`)

// checkRefusal sends the body of a refusalLine.
func (p *scriptRunner) checkRefusal(match []string) {
	user, path, body, code, field, why := match[1], match[2], match[3], cmp.Or(match[4], domain.InvalidBody), match[5], match[6]
	p.startRequest("POST " + path)
	p.request.Header.Set("X-User-Id", user)
	p.body = body
	p.send()
	refused, _ := p.decoded.(map[string]any)
	if p.response.StatusCode != 400 || refused["code"] != code || refused["field"] != field || why != "" && refused["detail"] != field+": "+why {
		p.Errorf("%s: got %d: %s", p.pos, p.response.StatusCode, p.responseBody)
	}
	p.expect("appends 0")
}

var headerLine = regexp.MustCompile(`^([A-Za-z-]+): ?(.*)$`)

func (p *scriptRunner) header(line string) bool {
	match := headerLine.FindStringSubmatch(line)
	if match == nil || p.body != "" {
		return false
	}
	p.request.Header[http.CanonicalHeaderKey(match[1])] = append(p.request.Header[http.CanonicalHeaderKey(match[1])], match[2])
	return true
}

func (p *scriptRunner) startRequest(line string) {
	method, path, _ := strings.Cut(line, " ")
	var err error
	if p.request, err = http.NewRequest(method, p.url+path, nil); err != nil {
		p.Fatalf("%s: %v", p.pos, err)
	}
	p.body = ""
}

func (p *scriptRunner) send() {
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
	p.appendedBefore = p.log.appended()
	noRedirects := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second,
	}
	var err error
	if p.response, err = noRedirects.Do(r); err != nil {
		p.Fatalf("%s: %v", p.pos, err)
	}
	defer p.response.Body.Close()
	if p.responseBody, err = io.ReadAll(p.response.Body); err != nil {
		p.Fatalf("%s: %v", p.pos, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(p.responseBody))
	decoder.UseNumber()
	if p.decoded = nil; decoder.Decode(&p.decoded) != nil {
		p.decoded = nil
	}
	if p.response.Header.Get("X-Request-Id") == "" {
		p.Errorf("%s: a response without X-Request-Id", p.pos)
	}
	checkContract(p, r, p.body, p.response, p.responseBody)
	if p.response.StatusCode == 500 {
		p.Errorf("%s: 500: %s", p.pos, p.responseBody)
	}
}

var expectation = regexp.MustCompile(`^([^ ]+?)(:| ~| !)(?: (.*))?$`)

func (p *scriptRunner) expect(what string) {
	if status, err := strconv.Atoi(what); err == nil {
		if p.response.StatusCode != status {
			p.Fatalf("%s: got %d, want %d: %s", p.pos, p.response.StatusCode, status, p.responseBody)
		}
		return
	}
	if count, ok := strings.CutPrefix(what, "appends "); ok {
		if got := strconv.Itoa(p.log.appended() - p.appendedBefore); got != count {
			p.Errorf("%s: %s commands were appended, want %s", p.pos, got, count)
		}
		return
	}
	match := expectation.FindStringSubmatch(what)
	if match == nil {
		p.Fatalf("%s: invalid expectation %q", p.pos, what)
	}
	got, found := p.lookup(match[1])
	switch want := match[3]; match[2] {
	case ":":
		if got != want {
			p.Errorf("%s: %s: got %s, want %s", p.pos, match[1], got, want)
		}
	case " ~":
		if !regexp.MustCompile(want).MatchString(got) {
			p.Errorf("%s: %s: got %s, want a match of %s", p.pos, match[1], got, want)
		}
	case " !":
		if found {
			p.Errorf("%s: %s is present: %s", p.pos, match[1], got)
		}
	}
}

// lookup finds a header (they begin with a capital), the body, or a value in it as JSON.
func (p *scriptRunner) lookup(what string) (text string, found bool) {
	if what == "body" {
		return string(p.responseBody), true
	}
	if what[0] >= 'A' && what[0] <= 'Z' {
		values := p.response.Header.Values(what)
		return strings.Join(values, " | "), len(values) > 0
	}
	value := p.findJSON(what)
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

// findJSON walks a path like items.0.couponId.
func (p *scriptRunner) findJSON(path string) any {
	value := p.decoded
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

var providerDirective = regexp.MustCompile(`^the provider says of (\S+): (\S+)(?: (\d+))?(?: refunded (\d+))?(?: under (\S+))?$`)

func (p *scriptRunner) runDirective(line string) {
	failNext := func(fault error, stores bool) {
		p.log.update(func() { p.log.appendErr, p.log.storesAnyway = fault, stores })
	}
	if name, value, ok := strings.Cut(strings.TrimPrefix(line, "let "), " = "); ok && strings.HasPrefix(line, "let ") {
		p.vars[name] = value
		return
	}
	if match := providerDirective.FindStringSubmatch(line); match != nil {
		payment := orders.Payment{State: match[2], MerchantUID: match[5]}
		if match[3] != "" {
			payment.Amount, payment.Currency = must(strconv.ParseInt(match[3], 10, 64))(p), "KRW"
		}
		if payment.State == orders.PaymentCancelled {
			payment.Cancelled = payment.Amount
		}
		if match[4] != "" {
			payment.Cancelled = must(strconv.ParseInt(match[4], 10, 64))(p)
		}
		p.recordPayment(p.T, match[1], payment)
		return
	}
	switch line {
	case "commands are not delivered":
		p.log.update(func() { p.log.deliveryPaused = true })
	case "commands are delivered":
		p.log.update(func() { p.log.deliveryPaused = false })
	case "events are not stored":
		p.log.update(func() { p.log.publishPaused = true })
	case "events are stored":
		p.log.update(func() { p.log.publishPaused = false })
	case "the next append is lost":
		failNext(domain.ErrNoAck, false)
	case "the next append is unknown":
		failNext(domain.ErrNoAck, true)
	case "the next append is full":
		failNext(domain.ErrFull, false)
	case "the next append is closed":
		failNext(domain.ErrClosed, false)
	case "the next append is broken":
		failNext(fmt.Errorf("password=secret"), false)
	case "the clock of the log advances by a minute":
		p.log.update(func() { p.log.now = p.log.now.Add(time.Minute) })
	case "the clock of the node advances by an hour":
		p.send()
		p.clockOffset.Store(int64(time.Hour))
	case "the node halts":
		p.projector.halt("the chain is broken at event 7")
	case "the log is almost full":
		p.capacityProblem.Store(&[2]string{logFull, "COMMANDS is 95 % full"})
	case "the log has room":
		p.capacityProblem.Store(nil)
	default:
		p.Fatalf("%s: unknown directive %q", p.pos, line)
	}
}
