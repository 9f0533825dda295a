'use strict';

// Sends a plan of messages, or reports what it receives, with the npm package ali-ons.
//
//   interop.js produce NAMESRV TOPIC KIND PLAN OUT
//   interop.js consume NAMESRV TOPIC GROUP MODE EXPRESSION MEMBER OUT

const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const { Consumer, Message, Producer } = require('ali-ons');

const ATTEMPTS = 3;
const IN_FLIGHT = 32;
// What the first delay levels mean.
const LEVEL_MILLIS = [ 1000, 5000 ];

// Needed by the package's constructor, asked for nothing when the name server is given.
const httpclient = {};
const quiet = { info() {}, debug() {}, warn: console.warn, error: console.error };

function report(file) {
  const out = fs.openSync(file, 'w');
  return values => fs.writeSync(out, `${JSON.stringify(values)}\n`);
}

function* entries(plan) {
  const bodies = fs.readFileSync(path.join(plan, 'bodies'));
  const table = fs.readFileSync(path.join(plan, 'table'), 'utf8');
  for (const line of table.trimEnd().split('\n')) {
    const [ index, offset, size, key, tag, , color ] = line.split('\t');
    const body = bodies.subarray(Number(offset), Number(offset) + Number(size));
    yield { index, body, key, tag, color };
  }
}

async function produce(namesrv, topic, kind, plan, out) {
  const line = report(out);
  const producer = new Producer({
    nameSrv: namesrv, producerGroup: 'interop-producer', httpclient, logger: quiet, sendMsgTimeout: 10000,
  });
  await producer.ready();
  const send = async entry => {
    const message = new Message(topic, entry.tag, entry.body);
    message.keys = [ entry.key ];
    message.properties.index = entry.index;
    message.properties.color = entry.color;
    const level = Number(entry.index) % LEVEL_MILLIS.length;
    if (kind === 'levels') message.delayTimeLevel = level + 1;
    const due = Date.now() + LEVEL_MILLIS[level];
    const result = await producer.send(message);
    if (result.sendStatus !== 'SEND_OK') throw new Error(`message ${entry.index}: ${result.sendStatus}`);
    line(kind === 'levels' ? { index: entry.index, id: result.msgId, due } : {
      index: entry.index, id: result.msgId,
      queue: Number(result.messageQueue.queueId), offset: Number(result.queueOffset),
    });
  };
  const width = kind === 'async' ? IN_FLIGHT : 1;
  const pending = entries(plan);
  await Promise.all(Array.from({ length: width }, async () => {
    for (const entry of pending) await send(entry);
  }));
}

async function consume(namesrv, topic, group, mode, expression, member, out) {
  const line = report(out);
  const consumer = new Consumer({
    nameSrv: namesrv, consumerGroup: group, instanceName: member, httpclient, logger: quiet,
    // The package does not listen when a broker tells it that the members have changed.
    rebalanceInterval: 1000,
    isBroadcast: mode === 'broadcast', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', parallelConsumeLimit: 8,
  });
  consumer.on('error', error => {
    if (!error.again) console.error(error);
  });
  consumer.subscribe(topic, expression, async message => {
    line({
      id: message.msgId, queue: message.queueId, offset: Number(message.queueOffset), topic: message.topic,
      key: message.keys, tag: message.tags, index: message.properties.index, color: message.properties.color,
      attempt: message.reconsumeTimes, stored: Number(message.storeTimestamp), size: message.body.length, crc: crc32(message.body),
    });
    const again = message.properties.color === 'again' && message.reconsumeTimes < ATTEMPTS - 1;
    if (mode.startsWith('retry') && again) throw new Again();
  });
  await consumer.ready();
  line({ ready: true });
  process.stdin.resume();
  await new Promise(resolve => process.stdin.on('end', resolve));
  await consumer.close();
}

class Again extends Error {
  constructor() {
    super('once more');
    this.again = true;
  }
}

const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let value = ~0;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return ~value >>> 0;
}

const [ command, ...rest ] = process.argv.slice(2);
({ produce, consume })[command](...rest).then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
