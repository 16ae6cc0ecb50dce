// The transcripts in testdata: one scenario each, in log time; testdata/README.md explains how to read them.
// Indented lines are written by the program:
//
//	go test ./domain/machine -run Transcripts -rewrite
//
// Only commit the changes if you understand what caused them.

package machine_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

var rewrite = flag.Bool("rewrite", false, "write today's events and states into the transcripts")

func TestTranscripts_Match(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tr := &transcript{fixture: newFixture(t)}
			got := tr.run(string(text))
			tr.checkReplay()
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Error(firstDifference(file, got, string(text)))
			}
		})
	}
}

func firstDifference(file, got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	g, w = append(g, "(end of file)"), append(w, "(end of file)")
	return fmt.Sprintf("%s:%d\n got %s\nwant %s", file, i+1, g[i], w[i])
}

// transcript executes the commands of one file on a fresh state machine.
type transcript struct {
	*fixture
	out       strings.Builder
	showBytes bool // print the JSON of events, too
}

// run returns the text with today's events and states.
func (d *transcript) run(text string) string {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, " ") {
			continue // written by an earlier run
		}
		d.out.WriteString(line + "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := d.runLine(line); err != nil {
			d.t.Fatalf("line %d: %v: %s", number, err, line)
		}
	}
	return d.out.String()
}

func (d *transcript) printf(format string, args ...any) {
	fmt.Fprintf(&d.out, "    "+format+"\n", args...)
}

// A command line is a time, or "+" for the message of the line before; a user; perhaps a request key; a command; its entity; its fields.
var linePattern = regexp.MustCompile(`^(\d\d:\d\d:\d\d\.\d{3}|\+)\s+(\S+)(?:\s+\[(\S+)\])?\s+([a-z.-]+)(?:\s+([^\s=]+))?(?:\s+(\S+=.*))?$`)

func (d *transcript) runLine(line string) error {
	if query, ok := strings.CutPrefix(line, "show "); ok {
		return d.show(query)
	}
	m := linePattern.FindStringSubmatch(line)
	if m == nil {
		return errors.New("not a command")
	}
	if m[1] != "+" {
		at, err := parseClock(m[1])
		if err != nil {
			return err
		}
		d.nextMessage(at)
	}
	user, key, name, entity, fields := m[2], m[3], m[4], m[5], m[6]
	if many := manyPattern.FindStringSubmatch(user); many != nil {
		return d.runMany(many, name, entity, fields)
	}
	body, err := parseCommand(name, fields)
	if err != nil {
		return err
	}
	if payment, ok := body.(orders.RecordPayment); ok && payment.LastEvent == 0 {
		if o := d.Orders.Order(entity); o != nil {
			payment.LastEvent = o.LastEvent
		}
		body = payment
	}
	switch {
	case user == domain.NoUser:
		user = ""
	case key == "":
		key = d.defaultKey()
	}
	d.printEvents(d.submit(user, key, entity, body))
	return nil
}

// defaultKey makes every command a request of its own.
func (d *transcript) defaultKey() string { return fmt.Sprintf("%d-%d", d.message, d.index) }

var commandTypes = func() map[string]reflect.Type {
	types := map[string]reflect.Type{"unknown": reflect.TypeFor[unknownCommand]()}
	for _, body := range []domain.Body{
		domain.Tick{}, domain.Noop{}, domain.Malformed{},
		coupons.Create{}, coupons.Issue{}, coupons.Use{}, coupons.Pause{}, coupons.Resume{}, coupons.Close{}, coupons.ChangeStock{},
		coupons.Revoke{}, coupons.Join{}, coupons.Leave{}, coupons.Accept{}, coupons.Decline{},
		seats.Create{}, seats.Hold{}, seats.Release{}, seats.Reserve{}, seats.Extend{}, seats.Swap{}, seats.Cancel{}, seats.Block{},
		seats.Unblock{}, seats.Reclaim{}, seats.Close{}, seats.Join{}, seats.Leave{}, seats.Accept{}, seats.Decline{},
		orders.Create{}, orders.ChangeStock{}, orders.Close{}, orders.Prepare{}, orders.Place{}, orders.RecordPayment{}, orders.Cancel{}, orders.PlacePrepared{}, seats.CancelSchedule{},
		alarms.Raise{}, alarms.MarkRead{}, alarms.MarkAllRead{},
	} {
		name, _ := body.Type()
		types[name] = reflect.TypeOf(body)
	}
	return types
}()

func parseCommand(name, fields string) (domain.Body, error) {
	commandType, known := commandTypes[name]
	if !known {
		return nil, fmt.Errorf("unknown command %q", name)
	}
	body := reflect.New(commandType)
	err := parseFields(fields, body.Interface())
	return body.Elem().Interface().(domain.Body), err
}

// perMessage is how many commands one message carries under load.
const perMessage = 256

// manyPattern is p1-300, three hundred users with one command each, or kim*50, fifty commands of one user.
var manyPattern = regexp.MustCompile(`^([a-z]+)(?:(\d+)-(\d+)|\*(\d+))$`)

// runMany sends a command many times, perMessage to a message, and prints how many events of which type that made. A "#" in the
// fields is the number in the user's name.
func (d *transcript) runMany(m []string, name, entity, fields string) error {
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	repeat, _ := strconv.Atoi(m[4])
	d.checkEveryEvent, d.checkReplica = false, false // too slow here; the whole state is checked at the end
	count, types := map[string]int{}, []string{}
	firstEvent, firstSequence := d.LastEvent+1, d.message*1000+d.index
	for i := first; i <= last || i < repeat; i++ {
		user := m[1]
		if repeat == 0 {
			user += strconv.Itoa(i)
		}
		body, err := parseCommand(name, strings.ReplaceAll(fields, "#", strconv.Itoa(i)))
		if err != nil {
			return err
		}
		if d.index == perMessage {
			d.nextMessage(d.at)
		}
		_, events := d.submit(user, d.defaultKey(), entity, body)
		for _, e := range events {
			name, _ := e.Body.Type()
			if r, ok := e.Body.(domain.Rejection); ok {
				name += " " + r.Code
			}
			if count[name]++; count[name] == 1 {
				types = append(types, name)
			}
		}
	}
	for i, name := range types {
		types[i] = fmt.Sprintf("%d × %s", count[name], name)
	}
	d.printf("%d to %d (%d to %d): %s", firstEvent, d.LastEvent, firstSequence, d.message*1000+d.index-1, strings.Join(types, ", "))
	d.checkEveryEvent, d.checkReplica = true, true
	return checkState(d.Machine)
}

// printEvents writes a line for each event of cmd. Of more than twelve, the middle is left out.
func (d *transcript) printEvents(cmd domain.Command, events []domain.Event) {
	for i, e := range events {
		if remaining := len(events) - 2 - i; i >= 2 && remaining > 1 && len(events) > 12 {
			if i == 2 {
				d.printf("       … %d more", remaining)
			}
			continue
		}
		d.out.WriteString(formatEvent(cmd, e) + "\n")
		if d.showBytes {
			d.printf("%s", mustJSON(d.t, e.Body))
		}
	}
	answered := slices.ContainsFunc(events, func(e domain.Event) bool { return !e.Request.IsZero() })
	if first, repeated := d.Request(cmd.Request); repeated && !answered {
		d.printf("         repeats event %d", first.EventNumber)
	} else if len(events) == 0 {
		d.printf("         no events")
	}
}

// formatEvent is an event's number, its command's sequence, "*" if it is the outcome, the log's time where it is not the
// command's, type, user, entity and fields. The first field is left out when it repeats the entity or the command.
func formatEvent(cmd domain.Command, e domain.Event) string {
	name, version := e.Body.Type()
	if version != 1 {
		name += fmt.Sprintf(".v%d", version)
	}
	text, outcome := fmt.Sprintf("%d (%d)", e.Number, e.Sequence), " "
	if !e.Request.IsZero() {
		outcome = "*"
	}
	text = fmt.Sprintf(" %11s %s ", text, outcome)
	if e.Now != cmd.At {
		text += "at " + formatClock(e.Now) + " "
	}
	user := e.User
	if user == "" {
		user = domain.NoUser
	}
	text += name + " " + user + " " + e.Entity
	body, _ := json.Marshal(e.Body)
	fields := fieldsOf(body)
	command, _ := cmd.Body.Type()
	if len(fields) > 0 && (fields[0].value == e.Entity || fields[0].value == command) {
		fields = fields[1:]
	}
	return strings.TrimRight(text+" "+joinFields(fields), " ")
}
