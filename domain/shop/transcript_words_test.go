// The language of the transcripts: single words, and what an event says as a list of facts.
package shop_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"onsale/domain"
)

func when(words string, t domain.Time) string {
	if t == 0 {
		return ""
	}
	return words + clockText(t)
}

// seatText is "1-3 7" for 1 2 3 7.
func seatText(ids []int) string {
	var runs []string
	for i := 0; i < len(ids); {
		n := 1
		for i+n < len(ids) && ids[i+n] == ids[i]+n {
			n++
		}
		run := fmt.Sprint(ids[i])
		if n > 1 {
			run += fmt.Sprintf("-%d", ids[i+n-1])
		}
		runs, i = append(runs, run), i+n
	}
	return strings.Join(runs, " ")
}

func seatsText(ids []int) string {
	switch len(ids) {
	case 0:
		return "nothing"
	case 1:
		return "seat " + seatText(ids)
	}
	return "seats " + seatText(ids)
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// facts are the names and values of a body's JSON, in its order, as sentences show them: a list of numbers is one.
func facts(body domain.Body) (found [][2]string) {
	text, _ := json.Marshal(body)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var walk func(name string)
	walk = func(name string) {
		token, _ := dec.Token()
		switch value := token.(type) {
		case json.Delim:
			var ids []int
			for dec.More() {
				if value == '{' {
					key, _ := dec.Token()
					walk(key.(string))
					continue
				}
				before := len(found)
				walk(name)
				if n, err := strconv.Atoi(found[len(found)-1][1]); err == nil && len(found) == before+1 {
					ids, found = append(ids, n), found[:before]
				}
			}
			if value == '[' && ids != nil {
				found = append(found, [2]string{name, seatText(ids)})
			}
			dec.Token()
		case string:
			found = append(found, [2]string{name, shown(name, value)})
		case json.Number:
			found = append(found, [2]string{name, value.String()})
		}
	}
	walk("")
	return found
}

func shown(name, value string) string {
	if at, err := domain.ParseTime(value); err == nil {
		return clockText(at)
	}
	if name == "bytes" {
		b, _ := base64.StdEncoding.DecodeString(value)
		return string(b)
	}
	return value
}
