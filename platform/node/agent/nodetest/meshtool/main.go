// Command meshtool is what the mesh's tests run inside nodes: a server that says who it is and ends in order, and clients
// that count who answered and what failed. `meshtool load` prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const unhealthyFile = "/unhealthy"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "meshtool serve | healthy | load | hold | udp")
		os.Exit(2)
	}
	var err error
	switch args := os.Args[2:]; os.Args[1] {
	case "serve":
		err = serve(args)
	case "healthy":
		if _, there := os.Stat(unhealthyFile); there == nil {
			os.Exit(1)
		}
	case "sicken":
		err = os.WriteFile(unhealthyFile, nil, 0o600)
	case "load":
		err = load(args)
	case "hold":
		err = hold(args)
	case "udp":
		err = askUDP(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers its name on two TCP ports and a UDP port; /slow?ms=N takes its time. On SIGTERM what is under way is finished.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	port := flags.Int("port", 80, "the port, of TCP and UDP")
	also := flags.Int("also", 81, "another port, of TCP")
	version := flags.String("version", "1", "is part of the name")
	_ = flags.Parse(args)
	hostname, _ := os.Hostname()
	name := hostname + "/" + *version
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ms, err := strconv.Atoi(r.URL.Query().Get("ms")); err == nil {
			time.Sleep(time.Duration(min(ms, 60_000)) * time.Millisecond)
		}
		_, _ = io.WriteString(w, name)
	})
	datagrams, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", *port))
	if err != nil {
		return err
	}
	go func() {
		for buffer := make([]byte, 1500); ; {
			if _, from, err := datagrams.ReadFrom(buffer); err == nil {
				_, _ = datagrams.WriteTo([]byte(name), from)
			}
		}
	}()
	second, err := net.Listen("tcp4", fmt.Sprintf(":%d", *also))
	if err != nil {
		return err
	}
	server := &http.Server{Addr: fmt.Sprintf(":%d", *port), Handler: handler}
	go func() { _ = server.Serve(second) }()
	ending, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	done := make(chan error, 1)
	go func() {
		<-ending.Done()
		limited, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		done <- server.Shutdown(limited)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return <-done
}

// Report is what `load` prints: how often each server answered, what went wrong, and how long requests took.
type Report struct {
	Answers  map[string]int `json:"answers"`
	Failures []string       `json:"failures"`
	Requests int            `json:"requests"`
	PerSec   float64        `json:"per_second"`
	P50      float64        `json:"p50_ms"`
	P99      float64        `json:"p99_ms"`
	Max      float64        `json:"max_ms"`
}

// load sends requests, each on a connection of its own unless -keep.
func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	count := flags.Int("count", 1_000_000, "at most so many requests")
	length := flags.Duration("for", 10*time.Second, "at most so long")
	rate := flags.Float64("rate", 0, "requests a second; 0 for as fast as it goes")
	workers := flags.Int("workers", 1, "at a time")
	patience := flags.Duration("patience", 3*time.Second, "for one request")
	keep := flags.Bool("keep", false, "keep connections")
	_ = flags.Parse(args)
	report := Report{Answers: make(map[string]int), Failures: []string{}}
	client := &http.Client{Timeout: *patience, Transport: &http.Transport{DisableKeepAlives: !*keep, MaxIdleConnsPerHost: *workers}}
	var mu sync.Mutex
	var times []float64
	var all sync.WaitGroup
	places := make(chan struct{}, *workers)
	began := time.Now()
	for sent := 0; sent < *count && time.Since(began) < *length; sent++ {
		if *rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(sent) / *rate * float64(time.Second)))))
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			start := time.Now()
			answer, err := get(client, flags.Arg(0))
			took := time.Since(start).Seconds() * 1000
			mu.Lock()
			defer mu.Unlock()
			report.Requests++
			times = append(times, took)
			if err == nil {
				report.Answers[answer]++
			} else if len(report.Failures) < 50 {
				report.Failures = append(report.Failures, fmt.Sprintf("%.2fs: %v", start.Sub(began).Seconds(), err))
			}
		})
	}
	all.Wait()
	report.PerSec = float64(report.Requests) / time.Since(began).Seconds()
	if slices.Sort(times); len(times) > 0 {
		report.P50, report.P99, report.Max = times[len(times)/2], times[len(times)*99/100], times[len(times)-1]
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

func get(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1000))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return string(body), err
}

// hold opens one connection, asks once on it, prints who answered, and then asks every 100 ms until that fails. It prints
// how it failed and how long the failing took.
func hold(args []string) error {
	address := args[0]
	connection, err := net.DialTimeout("tcp4", address, 3*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	for first := true; ; first = false {
		began := time.Now()
		_ = connection.SetDeadline(began.Add(10 * time.Second))
		_, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		buffer := make([]byte, 4096)
		n := 0
		if err == nil {
			n, err = connection.Read(buffer)
		}
		if err != nil {
			fmt.Printf("%.3f %v\n", time.Since(began).Seconds(), err)
			return nil
		}
		if first {
			lines := strings.Split(string(buffer[:n]), "\r\n")
			fmt.Println(lines[len(lines)-1])
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// askUDP sends some datagrams, each from a port of its own, and prints who answered.
func askUDP(args []string) error {
	for range 6 {
		connection, err := net.Dial("udp4", args[0])
		if err != nil {
			return err
		}
		_ = connection.SetDeadline(time.Now().Add(time.Second))
		_, _ = connection.Write([]byte("?"))
		buffer := make([]byte, 200)
		n, err := connection.Read(buffer)
		if err != nil {
			return err
		}
		fmt.Println(string(buffer[:n]))
		_ = connection.Close()
	}
	return nil
}
