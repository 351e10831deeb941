// Sends a job, waits for its end and prints its result, with Go's own library.
//
//	HASTY_URL=http://localhost:8080 HASTY_TOKEN=... go run examples/run-job.go invoice-42
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

type job struct {
	JobID  string          `json:"job_id"`
	Status string          `json:"status"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// An error is an object, too (RFC 9457).
type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p problem) Error() string { return p.Code + ": " + p.Detail }

type client struct {
	url, token string
	http       http.Client
}

func (c *client) call(method, path string, body any) (answer job, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return answer, err
		}
	}
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return answer, err
	}
	request.Header.Set("Content-Type", "application/json")
	// The answer waits for the end of the job, here up to 30 s.
	request.Header.Set("Prefer", "wait=30")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		refusal := problem{Code: response.Status}
		_ = json.NewDecoder(response.Body).Decode(&refusal)
		return answer, refusal
	}
	return answer, json.NewDecoder(response.Body).Decode(&answer)
}

func (c *client) run(objectID string) (job, error) {
	answer, err := c.call("POST", "/v1/jobs", map[string]any{
		"object_id": objectID, "type": "add", "payload": map[string]any{"numbers": []int{1, 2, 3, 4, 5, 6}},
	})
	for err == nil && answer.Status == "processing" {
		answer, err = c.call("GET", "/v1/jobs/"+answer.JobID, nil)
	}
	return answer, err
}

func main() {
	c := client{url: "http://localhost:8080", token: os.Getenv("HASTY_TOKEN"), http: http.Client{Timeout: time.Minute}}
	if url := os.Getenv("HASTY_URL"); url != "" {
		c.url = url
	}
	objectID := "invoice-42"
	if len(os.Args) > 1 {
		objectID = os.Args[1]
	}
	end, err := c.run(objectID)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("Job %s: %s\n", end.JobID, end.Status)
	if end.Status != "finished" {
		fmt.Fprintf(os.Stderr, "%s\n", end.Error)
		os.Exit(1)
	}
	fmt.Printf("Result: %s\n", end.Result)
}
