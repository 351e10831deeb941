// A worker that adds up invoices, with sdk/go.
//
//	cd examples/workers/go && HASTY_URL=http://localhost:8080 HASTY_TOKEN=... go run .
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	hasty "github.com/hasty-jobs/hasty/sdk/go"
)

type invoice struct {
	Number string `json:"number"`
	Items  []struct {
		Text  string `json:"text"`
		Count int    `json:"count"`
		Cents int    `json:"cents"`
	} `json:"items"`
}

type total struct {
	Number     string `json:"number"`
	TotalCents int    `json:"total_cents"`
}

func addUp(ctx context.Context, job *hasty.Job) (any, error) {
	var invoice invoice
	if err := job.Decode(&invoice); err != nil {
		return nil, hasty.Permanent(err)
	}
	if len(invoice.Items) == 0 {
		return nil, hasty.Permanent(fmt.Errorf("invoice %s has no items", invoice.Number))
	}
	sum := total{Number: invoice.Number}
	for n, item := range invoice.Items {
		select {
		case <-ctx.Done(): // The job was cancelled, its time is over or another worker has it.
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond): // What takes time in a real worker.
		}
		sum.TotalCents += item.Count * item.Cents
		if err := job.Progress(100*float64(n+1)/float64(len(invoice.Items)), item.Text, nil); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

func main() {
	var options []hasty.Option
	if token := os.Getenv("HASTY_TOKEN"); token != "" {
		options = append(options, hasty.WithToken(token))
	}
	client, err := hasty.New(cmp.Or(os.Getenv("HASTY_URL"), "http://localhost:8080"), options...)
	if err != nil {
		log.Fatal(err)
	}
	worker := hasty.NewWorker(client, hasty.WorkerOptions{Concurrency: 4})
	worker.HandleFunc("invoice", addUp)
	// Until SIGTERM or Ctrl-C: what runs may end, the rest is handed back.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
