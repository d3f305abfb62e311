// grpc-go against byrond. Run by peers.py, which says where the servers are.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"example/byron"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

var (
	plain  *grpc.ClientConn
	client byron.ByronClient
	ctx    = context.Background()
)

// What a case claims; it ends the case.
func claim(is bool, words ...interface{}) {
	if !is {
		panic(fmt.Sprint(words...))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func dial(address string, more ...grpc.DialOption) *grpc.ClientConn {
	channel, err := grpc.Dial(address, append(more,
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))...)
	must(err)
	return channel
}

func put(key, value string) *byron.Op {
	return &byron.Op{Op: &byron.Op_Put{Put: &byron.Put{
		Key: []byte(key), Value: []byte(value)}}}
}

func get(key string) []byte {
	answer, err := client.Get(ctx, &byron.GetRequest{Key: []byte(key)})
	must(err)
	if !answer.Found {
		return nil
	}
	return append([]byte{}, answer.Value...)
}

func code(_ interface{}, err error) codes.Code {
	return status.Code(err)
}

// Rows of a range, until it ends or fails.
func rows(ctx context.Context, request *byron.RangeRequest, pause time.Duration) ([]*byron.Row, error) {
	call, err := client.Range(ctx, request)
	must(err)
	var found []*byron.Row
	for {
		message, err := call.Recv()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		found = append(found, message.Rows...)
		time.Sleep(pause)
	}
}

func query(sql string, params ...*byron.Value) ([]*byron.QueryResponse, error) {
	call, err := client.Query(ctx, &byron.QueryRequest{Sql: sql, Params: params})
	must(err)
	var found []*byron.QueryResponse
	for {
		message, err := call.Recv()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		found = append(found, message)
	}
}

// --- What is tried ----------------------------------------------------------

func unary() {
	value := string([]byte{0, 255, 10})
	_, err := client.Put(ctx, &byron.PutRequest{Key: []byte("a"), Value: []byte(value)})
	must(err)
	claim(string(get("a")) == value)
	_, err = client.Delete(ctx, &byron.DeleteRequest{Key: []byte("a")})
	must(err)
	claim(get("a") == nil)
}

func load(skipped uint64) {
	call, err := client.Load(ctx)
	must(err)
	for i := 0; i < 200; i++ {
		batch := &byron.LoadRequest{LoadId: []byte("go"), Number: uint64(i + 1)}
		for j := 0; j < 50; j++ {
			batch.Ops = append(batch.Ops,
				put(fmt.Sprintf("r%05d", i*50+j), strings.Repeat("x", 100)))
		}
		must(call.Send(batch))
	}
	answer, err := call.CloseAndRecv()
	must(err)
	claim(answer.Batches == 200 && answer.Skipped == skipped, answer)
}

func loadAndRange() {
	load(0)
	load(200)
	found, err := rows(ctx, &byron.RangeRequest{Start: []byte("r"), End: []byte("s")}, 0)
	must(err)
	claim(len(found) == 10000, len(found))
	for i, row := range found {
		claim(string(row.Key) == fmt.Sprintf("r%05d", i), string(row.Key))
	}
	found, err = rows(ctx, &byron.RangeRequest{End: []byte("s"), Limit: 1, Reverse: true}, 0)
	must(err)
	claim(len(found) == 1 && string(found[0].Key) == "r09999", found)
}

func slowReadersAreWaitedFor() {
	found, err := rows(ctx, &byron.RangeRequest{Start: []byte("r"), End: []byte("s")},
		10*time.Millisecond)
	must(err)
	claim(len(found) == 10000, len(found))
}

func deadlines() {
	soon, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	call, err := client.Load(soon)
	must(err)
	must(call.Send(&byron.LoadRequest{Ops: []*byron.Op{put("d", "1")}}))
	claim(status.Code(call.RecvMsg(new(byron.LoadResponse))) == codes.DeadlineExceeded)
	now, stop := context.WithTimeout(ctx, time.Nanosecond)
	defer stop()
	claim(code(client.Get(now, &byron.GetRequest{Key: []byte("a")})) == codes.DeadlineExceeded)
}

func openRanges() float64 {
	answer, err := client.Stats(ctx, &byron.StatsRequest{})
	must(err)
	for _, figure := range answer.Figures {
		if figure.Name == "byrond_ranges" {
			return figure.Value
		}
	}
	panic("there is no byrond_ranges")
}

func cancellation() {
	cancelled, cancel := context.WithCancel(ctx)
	call, err := client.Range(cancelled, &byron.RangeRequest{ChunkBytes: 1})
	must(err)
	_, err = call.Recv()
	must(err)
	cancel()
	for err == nil {
		_, err = call.Recv()
	}
	claim(status.Code(err) == codes.Canceled, err)
	// The server gives up what it held for the call.
	for i := 0; i < 100 && openRanges() != 0; i++ {
		time.Sleep(20 * time.Millisecond)
	}
	claim(openRanges() == 0, "the range is still open")
}

func metadataComesBack() {
	interop := dial(os.Getenv("INTEROP"), grpc.WithInsecure())
	defer interop.Close()
	var initial, trailing metadata.MD
	outgoing := metadata.AppendToOutgoingContext(ctx, "x-grpc-test-echo-initial", "told again",
		"x-grpc-test-echo-trailing-bin", "\x00\n\xff")
	must(interop.Invoke(outgoing, "/grpc.testing.TestService/EmptyCall", &byron.StatsRequest{},
		&byron.StatsResponse{}, grpc.Header(&initial), grpc.Trailer(&trailing)))
	claim(initial.Get("x-grpc-test-echo-initial")[0] == "told again", initial)
	claim(trailing.Get("x-grpc-test-echo-trailing-bin")[0] == "\x00\n\xff", trailing)
	many := ctx
	for i := 0; i < 100; i++ {
		many = metadata.AppendToOutgoingContext(many, fmt.Sprintf("x-%d", i), "y")
	}
	got := code(client.Get(many, &byron.GetRequest{Key: []byte("a")}))
	claim(got == codes.ResourceExhausted, got)
}

func errorCodes() {
	claim(code(client.Get(ctx, &byron.GetRequest{})) == codes.InvalidArgument)
	claim(code(client.Get(ctx, &byron.GetRequest{Key: []byte("a"), SnapshotId: 1})) ==
		codes.NotFound)
	claim(code(client.Write(ctx, &byron.WriteRequest{Ops: []*byron.Op{put("e", "1")},
		Conditions: []*byron.Condition{{Key: []byte("e"),
			Expect: &byron.Condition_Present{Present: true}}}})) == codes.FailedPrecondition)
	claim(code(query("no SQL")) == codes.InvalidArgument)
	claim(code(query("ATTACH 'x' AS y")) == codes.PermissionDenied)
	claim(status.Code(plain.Invoke(ctx, "/byron.v1.Byron/Nothing", &byron.StatsRequest{},
		&byron.StatsResponse{})) == codes.Unimplemented)
}

func queries() {
	_, err := query("CREATE TABLE go (a, b)")
	must(err)
	answers, err := query("INSERT INTO go VALUES (?, ?)",
		&byron.Value{V: &byron.Value_Integer{Integer: -5}},
		&byron.Value{V: &byron.Value_Text{Text: "ab"}})
	must(err)
	claim(answers[len(answers)-1].Changes == 1, answers)
	answers, err = query("SELECT * FROM go")
	must(err)
	claim(strings.Join(answers[0].Columns, " ") == "a b", answers)
	claim(answers[0].Rows[0].Values[0].GetInteger() == -5, answers)
	claim(answers[0].Rows[0].Values[1].GetText() == "ab", answers)
}

func largeMessages() {
	value := bytes.Repeat([]byte("z"), 3900000)
	_, err := client.Put(ctx, &byron.PutRequest{Key: []byte("large"), Value: value})
	must(err)
	claim(bytes.Equal(get("large"), value))
	_, err = client.Put(ctx, &byron.PutRequest{Key: []byte("large"), Value: value},
		grpc.UseCompressor(gzip.Name))
	must(err)
	claim(code(client.Put(ctx, &byron.PutRequest{Key: []byte("large"),
		Value: make([]byte, 5000000)})) == codes.ResourceExhausted)
	// A bomb is as large as what it becomes.
	claim(code(client.Put(ctx, &byron.PutRequest{Key: []byte("large"),
		Value: make([]byte, 5000000)}, grpc.UseCompressor(gzip.Name))) == codes.ResourceExhausted)
}

func manyAtOnce() {
	var all sync.WaitGroup
	failed := make(chan error, 500)
	for i := 0; i < 500; i++ {
		all.Add(1)
		go func(text []byte) {
			defer all.Done()
			_, err := client.Put(ctx, &byron.PutRequest{Key: text, Value: text})
			if err == nil && string(get(string(text))) != string(text) {
				err = fmt.Errorf("%s has another value", text)
			}
			if err != nil {
				failed <- err
			}
		}([]byte(fmt.Sprintf("m%d", i)))
	}
	all.Wait()
	claim(len(failed) == 0, len(failed), " failed")
}

type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

func (bearer) RequireTransportSecurity() bool {
	return true
}

func tlsAndTokens() {
	root, err := credentials.NewClientTLSFromFile(os.Getenv("ROOT"), "")
	must(err)
	channel := dial(os.Getenv("SECURE"), grpc.WithTransportCredentials(root))
	defer channel.Close()
	secure := byron.NewByronClient(channel)
	key := []byte("a")
	read := grpc.PerRPCCredentials(bearer(os.Getenv("READ")))
	write := grpc.PerRPCCredentials(bearer(os.Getenv("WRITE")))
	claim(code(secure.Get(ctx, &byron.GetRequest{Key: key})) == codes.Unauthenticated)
	claim(code(secure.Get(ctx, &byron.GetRequest{Key: key}, read)) == codes.OK)
	claim(code(secure.Put(ctx, &byron.PutRequest{Key: key}, read)) == codes.PermissionDenied)
	claim(code(secure.Put(ctx, &byron.PutRequest{Key: key}, write)) == codes.OK)
	strangers := dial(os.Getenv("SECURE"), grpc.WithTransportCredentials(
		credentials.NewTLS(nil)))
	defer strangers.Close()
	soon, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	claim(code(byron.NewByronClient(strangers).Get(soon, &byron.GetRequest{Key: key}, read)) ==
		codes.Unavailable)
}

func passes(name string, run func()) (is bool) {
	defer func() {
		if words := recover(); words != nil {
			fmt.Printf("FAILED %s: %v\n", name, words)
			is = false
		}
	}()
	limit := time.AfterFunc(time.Minute, func() {
		fmt.Printf("FAILED %s: it does not end\n", name)
		os.Exit(1)
	})
	defer limit.Stop()
	run()
	return true
}

func main() {
	plain = dial(os.Getenv("PLAIN"), grpc.WithInsecure())
	client = byron.NewByronClient(plain)
	cases := []struct {
		name string
		run  func()
	}{
		{"unary", unary}, {"load and range", loadAndRange},
		{"slow readers are waited for", slowReadersAreWaitedFor},
		{"deadlines", deadlines}, {"cancellation", cancellation},
		{"metadata comes back", metadataComesBack}, {"error codes", errorCodes},
		{"queries", queries}, {"large messages", largeMessages},
		{"many at once", manyAtOnce}, {"TLS and tokens", tlsAndTokens},
	}
	passed := 0
	for _, one := range cases {
		if passes(one.name, one.run) {
			passed++
		}
	}
	fmt.Printf("go: %d passed, %d failed\n", passed, len(cases)-passed)
	if passed < len(cases) {
		os.Exit(1)
	}
}
