package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
)

const pollTime = 200 * time.Millisecond

// poll asks for messages and acknowledges them until standard input ends.
func poll(options []consumer.Option, topic string, selector consumer.MessageSelector, lines *report) error {
	client, err := rocketmq.NewPullConsumer(options...)
	if err != nil {
		return err
	}
	if err := client.Subscribe(topic, selector); err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	if err := lines.line(map[string]any{"ready": true}); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			return client.Shutdown()
		default:
		}
		polled, err := client.Poll(context.Background(), pollTime)
		if errors.Is(err, consumer.ErrNoNewMsg) {
			continue
		}
		if err != nil {
			return err
		}
		for _, message := range polled.GetMsgList() {
			if err := received(lines, message); err != nil {
				return err
			}
		}
		client.ACK(context.Background(), polled, consumer.ConsumeSuccess)
	}
}
