package hasty

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const userAgent = "hasty-go/0.1.0"

// transport sends requests. Any number of goroutines may share one.
type transport struct {
	url        string
	http       *http.Client
	token      func(context.Context) (string, error)
	retryFor   time.Duration
	tryTimeout time.Duration
}

// call is a request. Its body is encoded once, for all tries.
type call struct {
	method  string
	path    string
	query   url.Values
	body    any
	headers map[string]string
	// wait is how long the server should wait for the end of the job.
	wait time.Duration
	// key is the Idempotency-Key of a POST, used instead of a generated one.
	key string
}

// send repeats a request until it is answered. A POST carries one Idempotency-Key over all of its tries.
func (t *transport) send(ctx context.Context, c call, into any) error {
	headers := map[string]string{}
	for name, value := range c.headers {
		headers[name] = value
	}
	if c.method == http.MethodPost {
		if c.key == "" {
			c.key = oneCallKey()
		}
		headers["Idempotency-Key"] = c.key
	}
	if seconds := int(c.wait.Seconds()); seconds > 0 {
		headers["Prefer"] = "wait=" + strconv.Itoa(seconds)
	}
	body, err := encodeBody(c.body)
	if err != nil {
		return err
	}
	target := withQuery(c.path, c.query)
	return t.untilAnswered(ctx, func() error {
		return t.exchange(ctx, c.method, target, body, headers, t.tryTimeout+c.wait, into)
	})
}

// untilAnswered repeats what failed on the way, for retryFor from the first failure on.
func (t *transport) untilAnswered(ctx context.Context, attempt func() error) error {
	var firstFailure time.Time
	for tries := 0; ; tries++ {
		err := attempt()
		if err == nil || !isPassing(err) {
			return err
		}
		if firstFailure.IsZero() {
			firstFailure = time.Now()
		}
		delay := backoff(tries, 2*time.Second) + retryAfterOf(err)
		if time.Since(firstFailure)+delay > t.retryFor {
			return err
		}
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
}

// exchange is one try. Its error is an *Error with status 0 where no whole answer came, or the context's.
func (t *transport) exchange(
	ctx context.Context, method, target string, body []byte, headers map[string]string, timeout time.Duration, into any,
) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := t.open(limited, method, target, body, headers)
	if err != nil {
		return callerError(ctx, err)
	}
	defer response.Body.Close()
	// An answer that breaks off is no answer.
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return callerError(ctx, t.unreachable(err))
	}
	if into == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return unexpectedAnswer(response, "is not what was expected")
	}
	return nil
}

// open sends a request and returns an answer of status 2xx, of which the body is not read yet.
func (t *transport) open(
	ctx context.Context, method, target string, body []byte, headers map[string]string,
) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, t.url+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", userAgent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	// Every request of this library may be sent twice. Without a value it only tells net/http so.
	request.Header["X-Idempotency-Key"] = []string{}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if t.token != nil && request.Header.Get("Authorization") == "" {
		token, err := t.token(ctx)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := t.http.Do(request)
	if err != nil {
		return nil, t.unreachable(err)
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, t.unreachable(err)
	}
	return nil, refusalOf(response, data)
}

func (t *transport) unreachable(cause error) error {
	detail := fmt.Sprintf("%s did not answer (%v)", t.url, cause)
	return &Error{Code: "unreachable", Detail: detail, cause: cause}
}

// callerError returns the error of the caller's own context, where that has ended.
func callerError(ctx context.Context, err error) error {
	if ctx.Err() != nil && statusOf(err) == 0 {
		return context.Cause(ctx)
	}
	return err
}

func refusalOf(response *http.Response, data []byte) error {
	err := &Error{Status: response.StatusCode, RetryAfter: retryAfter(response.Header)}
	var problem struct {
		Code      string `json:"code"`
		Detail    string `json:"detail"`
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal(data, &problem) != nil || problem.Code == "" {
		err.Code, err.Detail = "unexpected-answer", "The answer was "+response.Status
		return err
	}
	err.Code, err.Detail, err.Problem = problem.Code, problem.Detail, data
	if err.RequestID = problem.RequestID; err.RequestID == "" {
		err.RequestID = response.Header.Get("Hasty-Request-Id")
	}
	return err
}

func unexpectedAnswer(response *http.Response, what string) error {
	kind := response.Header.Get("Content-Type")
	detail := fmt.Sprintf("The answer %s (%s): is this the address of a Hasty server?", what, kind)
	return &Error{Status: response.StatusCode, Code: "unexpected-answer", Detail: detail}
}

// retryAfter is what Retry-After asks for, as seconds or as a date by the server's own clock.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(text)
	now, errNow := http.ParseTime(header.Get("Date"))
	if err != nil || errNow != nil {
		return 0
	}
	return max(0, until.Sub(now))
}

func retryAfterOf(err error) time.Duration {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.RetryAfter
	}
	return 0
}

// backoff has full jitter: many clients that failed together do not come back together.
func backoff(tries int, most time.Duration) time.Duration {
	limit := min(100*time.Millisecond<<min(tries, 20), most)
	return time.Duration(mathrand.Int63n(int64(limit)))
}

func pause(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// oneCallKey is an Idempotency-Key for one call and its repeats: the server forgets it after an hour, not a day.
func oneCallKey() string { return "once-" + randomID() }

func randomID() string {
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		panic(err) // No system without randomness can be trusted with keys.
	}
	return fmt.Sprintf("%x", bytes)
}

// encode leaves <, > and & as they are: escaped, a page would not fit where it does.
func encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}

func encodeBody(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return encode(body)
}

func withQuery(path string, query url.Values) string {
	for name, values := range query {
		if len(values) == 0 || values[0] == "" {
			query.Del(name)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// pathOf encodes every part: an id may be any text that a caller pasted.
func pathOf(parts ...string) string {
	var path strings.Builder
	for _, part := range parts {
		path.WriteString("/" + url.PathEscape(strings.TrimSpace(part)))
	}
	return path.String()
}
