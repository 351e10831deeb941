package hasty

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// silence is the time after which a stream counts as broken: the server sends a comment every 15 s.
const silence = 45 * time.Second

// Events yields the job's events after the position afterSeq (0: all of them), live, and ends with the job. A stream
// that breaks continues on another connection after the last event seen, without gap or repeat.
func (c *Client) Events(ctx context.Context, jobID string, afterSeq int64) iter.Seq2[Event, error] {
	return c.follow(ctx, pathOf("v1", "jobs", jobID, "events"), afterSeq)
}

// AllEvents yields the events of all jobs of a type, or of all types for "", from now on, until the loop is left.
func (c *Client) AllEvents(ctx context.Context, jobType string, afterSeq int64) iter.Seq2[Event, error] {
	return c.follow(ctx, withQuery("/v1/events", url.Values{"type": {jobType}}), afterSeq)
}

var (
	errAllSent = errors.New("the server has sent all events")
	errLeft    = errors.New("the reader has left the loop")
)

func (c *Client) follow(ctx context.Context, target string, lastID int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for broken := 0; ; broken++ {
			err := c.oneStream(ctx, target, &lastID, func(event *Event) bool {
				broken = 0
				// An id alone is nothing for the reader, but the next connection continues from there.
				return event == nil || yield(*event, nil)
			})
			if err == errAllSent || err == errLeft {
				return
			}
			if err == nil || isPassing(err) && ctx.Err() == nil {
				// Never a loop without a pause, whatever the server does.
				err = pause(ctx, 100*time.Millisecond+backoff(broken, 2*time.Second))
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// oneStream reads one connection to its end. Its error is nil where the connection broke.
func (c *Client) oneStream(ctx context.Context, target string, lastID *int64, take func(*Event) bool) error {
	headers := map[string]string{"Accept": "text/event-stream"}
	if *lastID > 0 {
		headers["Last-Event-ID"] = strconv.FormatInt(*lastID, 10)
	}
	var response *http.Response
	var alarm *time.Timer
	stop := func() {}
	defer func() { stop() }()
	err := c.transport.untilAnswered(ctx, func() (err error) {
		stop()
		limited, cancel := context.WithCancel(ctx)
		alarm = time.AfterFunc(c.transport.tryTimeout, cancel)
		stop = func() { alarm.Stop(); cancel() }
		response, err = c.transport.open(limited, http.MethodGet, target, nil, headers)
		return callerError(ctx, err)
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNoContent {
		return errAllSent
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return unexpectedAnswer(response, "is no event stream")
	}
	return readStream(response.Body, func() { alarm.Reset(silence) }, func(id, name string, data []byte) error {
		seq, err := strconv.ParseInt(id, 10, 64)
		if err != nil || name != "reset" && seq <= *lastID {
			return nil
		}
		*lastID = seq
		var event *Event
		if data != nil {
			event = new(Event)
			if err := json.Unmarshal(data, event); err != nil {
				return err
			}
			event.Event, event.Seq = name, seq
		}
		if !take(event) {
			return errLeft
		}
		return nil
	})
}

// readStream parses a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). Data is nil where only
// an id came. Its error is that of take; a connection that breaks is none.
func readStream(body io.Reader, alive func(), take func(id, name string, data []byte) error) error {
	var id, name string
	var data []string
	hasNewID := false
	reader := bufio.NewReader(body)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return nil
		}
		alive()
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			if len(data) > 0 || hasNewID {
				var text []byte
				if len(data) > 0 {
					text = []byte(strings.Join(data, "\n"))
				}
				if name == "" {
					name = "message"
				}
				if err := take(id, name, text); err != nil {
					return err
				}
			}
			name, data, hasNewID = "", nil, false
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			data = append(data, value)
		case "event":
			name = value
		case "id":
			id, hasNewID = value, true
		}
	}
}
