// Command interop sends a plan of messages, or reports what it receives, with Apache's Go client.
//
//	interop produce NAMESRV TOPIC KIND PLAN OUT
//	interop consume NAMESRV TOPIC GROUP MODE EXPRESSION MEMBER OUT
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const (
	attempts      = 3
	patience      = 20 * time.Second
	batchMessages = 32
	batchBytes    = 1024 * 1024
)

func main() {
	var err error
	switch args := os.Args[1:]; args[0] {
	case "produce":
		err = produce(args[1], args[2], args[3], args[4], args[5])
	case "consume":
		err = consume(args[1], args[2], args[3], args[4], args[5], args[6], args[7])
	default:
		err = fmt.Errorf("unknown command %s", args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// report is the file of JSON lines that a program leaves for the runner.
type report struct {
	lock sync.Mutex
	out  *json.Encoder
}

func newReport(path string) (*report, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &report{out: json.NewEncoder(file)}, nil
}

func (r *report) line(values map[string]any) error {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.out.Encode(values)
}

// entry is one line of a plan's table.
type entry struct {
	index, key, tag, shard, color string
	offset                        int64
	size                          int
}

type plan struct {
	bodies  *os.File
	entries []entry
}

func readPlan(directory string) (*plan, error) {
	table, err := os.Open(filepath.Join(directory, "table"))
	if err != nil {
		return nil, err
	}
	defer table.Close()
	bodies, err := os.Open(filepath.Join(directory, "bodies"))
	if err != nil {
		return nil, err
	}
	read := &plan{bodies: bodies}
	for lines := bufio.NewScanner(table); lines.Scan(); {
		parts := strings.Split(lines.Text(), "\t")
		offset, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return nil, err
		}
		size, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, err
		}
		read.entries = append(read.entries, entry{
			index: parts[0], offset: offset, size: size,
			key: parts[3], tag: parts[4], shard: parts[5], color: parts[6],
		})
	}
	return read, nil
}

func (p *plan) message(topic string, e entry) (*primitive.Message, error) {
	body := make([]byte, e.size)
	if _, err := p.bodies.ReadAt(body, e.offset); err != nil {
		return nil, err
	}
	message := primitive.NewMessage(topic, body)
	message.WithTag(e.tag).WithKeys([]string{e.key}).WithShardingKey(e.shard)
	message.WithProperty("index", e.index)
	message.WithProperty("color", e.color)
	return message, nil
}

func produce(namesrv, topic, kind, directory, out string) error {
	read, err := readPlan(directory)
	if err != nil {
		return err
	}
	lines, err := newReport(out)
	if err != nil {
		return err
	}
	options := []producer.Option{
		producer.WithNameServer([]string{namesrv}),
		producer.WithGroupName("interop-producer"),
		producer.WithSendMsgTimeout(10 * time.Second),
	}
	if kind == "transaction" {
		return produceInTransactions(options, topic, read, lines)
	}
	if kind == "hash" {
		options = append(options, producer.WithQueueSelector(producer.NewHashQueueSelector()))
	}
	client, err := rocketmq.NewProducer(options...)
	if err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	switch kind {
	case "sync", "hash":
		err = produceSync(client, topic, read, lines)
	case "levels":
		err = produceLevels(client, topic, read, lines)
	case "async":
		err = produceAsync(client, topic, read, lines)
	case "oneway":
		err = produceOneway(client, topic, read, lines)
	case "batch":
		err = produceBatch(client, topic, read, lines)
	case "request", "request-empty":
		err = produceRequests(client, topic, read, lines, kind == "request-empty")
	default:
		err = fmt.Errorf("unknown kind %s", kind)
	}
	if err != nil {
		return err
	}
	return client.Shutdown()
}

func sent(lines *report, index, id string, result *primitive.SendResult, nth int64) error {
	if result.Status != primitive.SendOK {
		return fmt.Errorf("message %s: %s", index, result)
	}
	return lines.line(map[string]any{
		"index": index, "id": id,
		"queue": result.MessageQueue.QueueId, "offset": result.QueueOffset + nth,
	})
}

// produceLevels sends with the delay levels 1 and 2 in turn.
func produceLevels(client rocketmq.Producer, topic string, read *plan, lines *report) error {
	delays := []time.Duration{time.Second, 5 * time.Second}
	for number, e := range read.entries {
		message, err := read.message(topic, e)
		if err != nil {
			return err
		}
		level := number % len(delays)
		message.WithDelayTimeLevel(level + 1)
		due := time.Now().Add(delays[level]).UnixMilli()
		result, err := client.SendSync(context.Background(), message)
		if err != nil {
			return fmt.Errorf("message %s: %w", e.index, err)
		}
		if result.Status != primitive.SendOK {
			return fmt.Errorf("message %s: %s", e.index, result)
		}
		if err := lines.line(map[string]any{"index": e.index, "id": result.MsgID, "due": due}); err != nil {
			return err
		}
	}
	return nil
}

func produceSync(client rocketmq.Producer, topic string, read *plan, lines *report) error {
	for _, e := range read.entries {
		message, err := read.message(topic, e)
		if err != nil {
			return err
		}
		result, err := client.SendSync(context.Background(), message)
		if err != nil {
			return fmt.Errorf("message %s: %w", e.index, err)
		}
		if err := sent(lines, e.index, result.MsgID, result, 0); err != nil {
			return err
		}
	}
	return nil
}

func produceAsync(client rocketmq.Producer, topic string, read *plan, lines *report) error {
	failures := make(chan error, len(read.entries))
	room := make(chan struct{}, 32)
	var waiting sync.WaitGroup
	for _, e := range read.entries {
		message, err := read.message(topic, e)
		if err != nil {
			return err
		}
		room <- struct{}{}
		waiting.Add(1)
		done := func(_ context.Context, result *primitive.SendResult, err error) {
			if err == nil {
				err = sent(lines, e.index, result.MsgID, result, 0)
			}
			failures <- err
			<-room
			waiting.Done()
		}
		if err := client.SendAsync(context.Background(), done, message); err != nil {
			return err
		}
	}
	waiting.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func produceOneway(client rocketmq.Producer, topic string, read *plan, lines *report) error {
	for _, e := range read.entries {
		message, err := read.message(topic, e)
		if err != nil {
			return err
		}
		if err := client.SendOneWay(context.Background(), message); err != nil {
			return err
		}
		id := message.GetProperty(primitive.PropertyUniqueClientMessageIdKeyIndex)
		if err := lines.line(map[string]any{"index": e.index, "id": id}); err != nil {
			return err
		}
	}
	// Shutdown closes the socket with answers in it, which makes the system throw away what the broker
	// has not read yet; an answer over the same connection says that it has read everything.
	_, err := client.SendSync(context.Background(), primitive.NewMessage(topic+"-end", []byte("end")))
	return err
}

func produceBatch(client rocketmq.Producer, topic string, read *plan, lines *report) error {
	var batch []entry
	flush := func() error {
		var messages []*primitive.Message
		for _, e := range batch {
			message, err := read.message(topic, e)
			if err != nil {
				return err
			}
			messages = append(messages, message)
		}
		result, err := client.SendSync(context.Background(), messages...)
		if err != nil {
			return fmt.Errorf("batch from %s: %w", batch[0].index, err)
		}
		for nth, e := range batch {
			if err := sent(lines, e.index, "", result, int64(nth)); err != nil {
				return err
			}
		}
		batch = batch[:0]
		return nil
	}
	bytes := 0
	for _, e := range read.entries {
		if len(batch) == batchMessages || (len(batch) > 0 && bytes+e.size > batchBytes) {
			if err := flush(); err != nil {
				return err
			}
			bytes = 0
		}
		batch = append(batch, e)
		bytes += e.size
	}
	return flush()
}

// produceRequests sends requests. Whoever handles one replies with what it asks, or with nothing.
func produceRequests(client rocketmq.Producer, topic string, read *plan, lines *report, empty bool) error {
	// The library makes a producer known to the brokers, so that they can push replies to it, only with a
	// request to a topic that is not there yet; or else within 30 s.
	known := primitive.NewMessage(topic+"-known", []byte("known"))
	if reply, err := client.Request(context.Background(), time.Millisecond, known); err == nil {
		return fmt.Errorf("nobody handles %s, and there is a reply: %s", known.Topic, reply)
	}
	for _, e := range read.entries {
		request, err := read.message(topic, e)
		if err != nil {
			return err
		}
		wanted := request.Body
		if empty {
			wanted = nil
		}
		reply, err := client.Request(context.Background(), patience, request)
		if err != nil {
			return fmt.Errorf("message %s: %w", e.index, err)
		}
		if !bytes.Equal(reply.Body, wanted) {
			return fmt.Errorf("message %s got a reply of %d other bytes", e.index, len(reply.Body))
		}
		id := request.GetProperty(primitive.PropertyUniqueClientMessageIdKeyIndex)
		if err := lines.line(map[string]any{"index": e.index, "id": id}); err != nil {
			return err
		}
	}
	return nil
}

func consume(namesrv, topic, group, mode, expression, member, out string) error {
	lines, err := newReport(out)
	if err != nil {
		return err
	}
	options := []consumer.Option{
		consumer.WithNameServer([]string{namesrv}),
		consumer.WithGroupName(group),
		consumer.WithInstance(member),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithSuspendCurrentQueueTimeMillis(200 * time.Millisecond),
	}
	orderly := strings.HasSuffix(mode, "orderly")
	if orderly {
		options = append(options, consumer.WithConsumerOrder(true))
	}
	if mode == "broadcast" {
		options = append(options, consumer.WithConsumerModel(consumer.BroadCasting))
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: expression}
	if mode == "sql" {
		selector.Type = consumer.SQL92
	}
	if strings.HasPrefix(mode, "lite-pull") {
		return poll(options, topic, selector, lines)
	}
	client, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return err
	}
	var replies rocketmq.Producer
	if strings.HasPrefix(mode, "reply") {
		if replies, err = newReplies(namesrv, member); err != nil {
			return err
		}
	}
	retry := strings.HasPrefix(mode, "retry")
	listener := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		again := false
		for _, message := range messages {
			if err := received(lines, message); err != nil {
				return consumer.ConsumeRetryLater, err
			}
			wanted := message.GetProperty("color") == "again" && message.ReconsumeTimes < attempts-1
			again = again || (retry && wanted)
			if replies == nil {
				continue
			}
			if err := sendReply(replies, message, mode == "reply-empty"); err != nil {
				return consumer.ConsumeRetryLater, err
			}
		}
		switch {
		case !again:
			return consumer.ConsumeSuccess, nil
		case orderly:
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		if later, known := primitive.GetConcurrentlyCtx(ctx); known {
			later.DelayLevelWhenNextConsume = 1
		}
		return consumer.ConsumeRetryLater, nil
	}
	if err := client.Subscribe(topic, selector, listener); err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	if err := lines.line(map[string]any{"ready": true}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return client.Shutdown()
}

func newReplies(namesrv, member string) (rocketmq.Producer, error) {
	client, err := rocketmq.NewProducer(
		producer.WithNameServer([]string{namesrv}),
		producer.WithGroupName("interop-replies"),
		producer.WithInstanceName(member+"-replies"),
	)
	if err != nil {
		return nil, err
	}
	return client, client.Start()
}

// sendReply replies with what is asked, or with nothing. The library takes the body that it is given for
// properties, so that a reply with a body needs it set afterwards.
func sendReply(client rocketmq.Producer, request *primitive.MessageExt, empty bool) error {
	reply, err := consumer.CreateReplyMessage(request, nil)
	if err != nil {
		return err
	}
	if !empty {
		reply.Body = request.Body
	}
	result, err := client.SendSync(context.Background(), reply)
	if err == nil && result.Status != primitive.SendOK {
		err = fmt.Errorf("a reply: %s", result)
	}
	return err
}

func received(lines *report, message *primitive.MessageExt) error {
	return lines.line(map[string]any{
		"id": message.MsgId, "queue": message.Queue.QueueId, "offset": message.QueueOffset,
		"topic": message.Topic, "key": message.GetKeys(), "tag": message.GetTags(),
		"index": message.GetProperty("index"), "color": message.GetProperty("color"),
		"attempt": message.ReconsumeTimes, "stored": message.StoreTimestamp, "size": len(message.Body),
		"crc": crc32.ChecksumIEEE(message.Body),
	})
}
