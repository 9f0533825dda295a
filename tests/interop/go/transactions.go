package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// rolledBack is the index of messages that nobody may get.
const rolledBack = "rolled-back"

const (
	untilAsked = time.Minute
	// Answers to checks have left by then.
	lastEnd = time.Second
)

// transactions ends each transaction with the state that stands here when it is begun, and remembers those
// about which the broker has not asked yet.
type transactions struct {
	state primitive.LocalTransactionState
	lock  sync.Mutex
	left  map[string]bool
}

func (t *transactions) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	if t.state == primitive.UnknowState {
		t.lock.Lock()
		defer t.lock.Unlock()
		t.left[message.TransactionId] = true
	}
	return t.state
}

func (t *transactions) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	t.lock.Lock()
	defer t.lock.Unlock()
	delete(t.left, message.TransactionId)
	if message.GetProperty("index") == rolledBack {
		return primitive.RollbackMessageState
	}
	return primitive.CommitMessageState
}

func (t *transactions) open() int {
	t.lock.Lock()
	defer t.lock.Unlock()
	return len(t.left)
}

// produceInTransactions sends a plan in transactions: of three messages one is committed at once, one when the
// broker asks, and one after another message was rolled back and a further one when the broker asks.
func produceInTransactions(options []producer.Option, topic string, read *plan, lines *report) error {
	ends := &transactions{left: map[string]bool{}}
	client, err := rocketmq.NewTransactionProducer(ends, options...)
	if err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	send := func(e entry, state primitive.LocalTransactionState, index string) (string, error) {
		message, err := read.message(topic, e)
		if err != nil {
			return "", err
		}
		message.WithProperty("index", index)
		ends.state = state
		result, err := client.SendMessageInTransaction(context.Background(), message)
		if err != nil {
			return "", fmt.Errorf("message %s: %w", e.index, err)
		}
		if result.Status != primitive.SendOK || result.State != state {
			return "", fmt.Errorf("message %s: %s", e.index, result)
		}
		return result.MsgID, nil
	}
	for number, e := range read.entries {
		state := primitive.CommitMessageState
		switch number % 3 {
		case 1:
			state = primitive.UnknowState
		case 2:
			if _, err := send(e, primitive.RollbackMessageState, rolledBack); err != nil {
				return err
			}
			if _, err := send(e, primitive.UnknowState, rolledBack); err != nil {
				return err
			}
		}
		id, err := send(e, state, e.index)
		if err != nil {
			return err
		}
		if err := lines.line(map[string]any{"index": e.index, "id": id}); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(untilAsked); ends.open() > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the broker has not asked about %d transactions", ends.open())
		}
	}
	time.Sleep(lastEnd)
	return client.Shutdown()
}
