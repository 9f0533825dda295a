"""What Apache's `mqadmin` 5.3.3 prints for Apache's servers and for ours, side by side.

The program Live leaves the same groups and messages with both. One run of the tool looks at them and changes
them, verb by verb. Times, addresses, ids and rates are masked; every line else must be the same, but for what
`admin_differences.tsv` lists with its reason.
"""

import contextlib
import functools
import json
import re

from . import beside, live, printed
from .known import Known

LISTED = "admin_differences.tsv"

GROUPS = (*live.COMMITTED, "nobody")

# What an administrator looks at; the words in braces are those of `live.Left`.
VIEWS = (
    "topicStatus -t live",
    "topicStatus -t nobody",
    "topicList",
    "topicList -c",
    "topicRoute -t live",
    "topicRoute -t live -l",
    "topicRoute -t nobody",
    "topicClusterList -t live",
    "clusterList",
    "clusterList -m",
    "brokerStatus -b {broker}",
    "getBrokerConfig -b {broker}",
    "getNamesrvConfig",
    "brokerConsumeStats -b {broker}",
    "haStatus -b {broker}",
    "getColdDataFlowCtrInfo -b {broker}",
    "consumerProgress",
    *(f"consumerProgress -g {group}" for group in GROUPS),
    "consumerProgress -g live-busy -t live",
    *(f"consumerConnection -g {group}" for group in GROUPS),
    "consumerStatus -g live-consumed",
    "consumerStatus -g nobody",
    "getConsumerConfig -g live-gone",
    "getConsumerConfig -g nobody",
    "producerConnection -g live-producer -t live",
    "producerConnection -g nobody -t live",
    "producer -b {broker}",
    "queryMsgById -t live -i {id}",
    "queryMsgById -t live -i {place}",
    "queryMsgById -t live -i {nowhere}",
    "queryMsgByKey -t live -k key-0-0",
    "queryMsgByKey -t live -k none",
    "queryMsgByUniqueKey -t live -i {id}",
    "queryMsgByOffset -t live -b broker-a -i 0 -o 0",
    "queryMsgByOffset -t live -b broker-a -i 0 -o 99",
    "printMsg -t live",
    "printMsg -t live -s TagB",
    "printMsg -t nobody",
    "printMsgByQueue -t live -a broker-a -i 0 -p true -d true -f true",
    "consumeMessage -t live",
    "consumeMessage -t live -b broker-a -i 0 -o 1 -c 1",
    "queryCq -t live -q 0 -i 0 -c 10 -b {broker} -g live-filtered",
    "queryCq -t live -q 9 -i 0 -c 10 -b {broker}",
    "statsAll -t live",
    "statsAll -a",
    "allocateMQ -t live -i 10.0.0.1,10.0.0.2",
    "queryMsgTraceById -i {id}",
    "queryMsgTraceById -i {id} -t live",
    "exportMetadata -c DefaultCluster -f export",
    "exportMetadata -b {broker} -t -f export",
    "exportMetadata -b {broker} -g -f export",
    "exportConfigs -c DefaultCluster -f export",
    "exportMetrics -c DefaultCluster -f export",
    "exportPopRecord -b {broker} -d true",
    "getUser -b {broker} -u admin",
    "listUser -b {broker}",
    "getAcl -b {broker} -s User:admin",
    "listAcl -b {broker}",
)

# What a verb leaves in a file, which is compared behind what it prints.
EXPORTED = {
    "exportMetadata -c DefaultCluster -f export": "export/metadata.json",
    "exportMetadata -b {broker} -t -f export": "export/topic.json",
    "exportMetadata -b {broker} -g -f export": "export/subscriptionGroup.json",
    "exportConfigs -c DefaultCluster -f export": "export/configs.json",
    "exportMetrics -c DefaultCluster -f export": "export/metrics.json",
}

# What a verb reads.
FILES = {
    "topics": [
        {"topicName": name, "readQueueNums": 2, "writeQueueNums": 2, "perm": 6}
        for name in ("admin-list-1", "admin-list-2")
    ],
    "groups": [{"groupName": name, "retryMaxTimes": 3} for name in ("admin-list-g1", "admin-list-g2")],
}

# What an administrator changes, each with a look at what has come of it.
CHANGES = (
    "updateTopic -b {broker} -t admin-new -r 3 -w 3",
    "updateTopic -c DefaultCluster -t admin-all -r 2 -w 2 -a +message.type=NORMAL",
    "updateTopic -b {broker} -t admin-new -a +color=blue",
    "updateTopic -b {broker} -t TBW102",
    "updateTopic -b {broker} -t admin/new",
    "updateSubGroup -b {broker} -g admin-group -r 3",
    "getConsumerConfig -g admin-group",
    "updateTopicList -b {broker} -f {home}/topics",
    "topicRoute -t admin-list-2",
    "updateSubGroupList -b {broker} -f {home}/groups",
    "getConsumerConfig -g admin-list-g2",
    "updateOrderConf -t live -m put -v broker-a:2",
    "updateOrderConf -t live -m get",
    "updateOrderConf -t live -m delete",
    "setConsumeMode -b {broker} -t live -g live-gone -m PULL",
    "sendMessage -t admin-new -p body -k a-key -c TagX -b broker-a -i 1",
    "sendMessage -t admin-new -p body -b broker-a -i 2",
    "sendMsgStatus -b broker-a -s 10 -c 2",
    "checkMsgSendRT -t admin-all -a 2 -s 10",
    "topicStatus -t admin-new",
    "updateTopicPerm -b {broker} -t admin-new -p 4",
    "updateTopicPerm -b {broker} -t admin-new -p 4",
    "sendMessage -t admin-new -p body -b broker-a -i 1",
    "cloneGroupOffset -s live-gone -d admin-group -t live",
    "consumerProgress -g admin-group",
    "cloneGroupOffset -s nobody -d admin-group -t live",
    "resetOffsetByTime -g live-gone -t live -s 0",
    "consumerProgress -g live-gone",
    "resetOffsetByTime -g live-gone -t live -s -1 -b broker-a -q 0 -o 1",
    "resetOffsetByTime -g live-gone -t nobody -s 0",
    "skipAccumulatedMessage -g live-gone -t live",
    "consumerProgress -g live-gone",
    "updateKvConfig -s admin -k color -v blue",
    "deleteKvConfig -s admin -k color",
    "deleteKvConfig -s admin -k color",
    "updateBrokerConfig -b {broker} -k brokerPermission -v 6",
    "updateBrokerConfig -b {broker} -k brokerConfigPath -v x",
    "updateNamesrvConfig -k orderMessageEnable -v false",
    "wipeWritePerm -b broker-a",
    "topicRoute -t live",
    "addWritePerm -b broker-a",
    "topicRoute -t live",
    "wipeWritePerm -b nobody",
    "cleanExpiredCQ -b {broker}",
    "cleanUnusedTopic -b {broker}",
    "deleteExpiredCommitLog -b {broker}",
    "setCommitLogReadAheadMode -b {broker} -m 0",
    "resetMasterFlushOffset -b {broker} -o 0",
    "updateColdDataFlowCtrGroupConfig -b {broker} -g live-gone -v 10",
    "removeColdDataFlowCtrGroupConfig -b {broker} -g live-gone",
    "createUser -b {broker} -u admin -p secret -t Normal",
    "updateUser -b {broker} -u admin -p another",
    "copyUser -f {broker} -t {broker} -u admin",
    "deleteUser -b {broker} -u admin",
    "createAcl -b {broker} -s User:admin -r Topic:* -a Pub -d Allow",
    "updateAcl -b {broker} -s User:admin -r Topic:* -a Sub -d Allow",
    "copyAcl -f {broker} -t {broker} -s User:admin",
    "deleteAcl -b {broker} -s User:admin",
    "deleteSubGroup -b {broker} -g admin-group -r true",
    "consumerProgress -g admin-group",
    "deleteTopic -t admin-new -c DefaultCluster",
    "deleteTopic -t nobody -c DefaultCluster",
    "topicRoute -t admin-new",
)

COMMANDS = (*VIEWS, *CHANGES)

MASKS = (
    (re.compile(r"(TPS: )\d+\.\d+"), r"\1RATE"),
    (re.compile(r"(CommitLog Offset: )\d+"), r"\1PLACE"),
    # What `clusterList`, `statsAll`, `sendMsgStatus` and `checkMsgSendRT` measure.
    (re.compile(r"^(DefaultCluster \S+ 0 ADDRESS \S+) .* (\S+)$"), r"\1 RATES \2"),
    (re.compile(r"^(\S+ \S+ \d+) [\d.]+ [\d.]+ \d+ \d+$"), r"\1 RATES"),
    # `clusterList -m` counts what a rebalance has delivered twice.
    (re.compile(r"^(DefaultCluster broker-a \d+ \d+ \d+) \d+$"), r"\1 NUMBER"),
    (re.compile(r"\brt=\d+ms"), "rt=TIME"),
    (re.compile(r"^(broker-a \d+ (?:true|false)) \d+$"), r"\1 TIME"),
    (re.compile(r"^Avg RT: .*"), "Avg RT: TIME"),
    (re.compile(r"(\w*(?:Tps|DiskRatio)\":)[\"\d.]+"), r"\1RATE"),
    (re.compile(r"(\"counter\":)\d+"), r"\1NUMBER"),
    # Where to read on in Apache's manual.
    (re.compile(r"^(For more information, please visit|See) .*rocketmq\.apache\.org.*"), ""),
    (re.compile(r"^\s+(at .*|\.\.\. \d+ more)$"), ""),
    # When a client learns of its empty retry topic is a matter of its own timer.
    (re.compile(r"^%RETRY%\S+ \S+ 0 0 0 0 0 N/A$"), ""),
)

# Of these outputs the names count: what a broker is set to and has counted is its own affair.
NAMES = re.compile(r"^(brokerStatus|getBrokerConfig|getNamesrvConfig)\b")
VALUE = ((re.compile(r"_/.*"), "_PATH"), (re.compile(r"^(\S+) ?[=:].*"), r"\1"))

# Apache's broker takes the topic's own name for one of its groups (`ConsumerManager` adds
# `subscriptionData.getTopic()` to the groups of a topic), and the tool then looks for it in vain.
GHOST = re.compile(r"MessageTrack \[consumerGroup=live, .*?\)\]", re.DOTALL)

# The negative control alters these answers of Apache's broker.
ALTERED = {
    "topicStatus -t live": (rf"( 0 +){live.MESSAGES} ", r"\g<1>4 "),
    "topicStatus -t nobody": ("CODE: 17", "CODE: 1"),
    "consumerProgress": ("PUSH", "PULL"),
    "consumerProgress -g live-pulling": (r" 1( +2)", r" 2\1"),
    "consumerConnection -g live-filtered": (r"TagB \|\| TagC", "TagB"),
    "producerConnection -g live-producer -t live": ("V5_3_3", "V4_9_8"),
    "queryMsgById -t live -i {id}": ("NOT_CONSUME_YET", "CONSUMED"),
    "queryMsgById -t live -i {place}": ("color=blue", "color=red"),
    "queryCq -t live -q 0 -i 0 -c 10 -b {broker} -g live-filtered": ("TagB", "TagA"),
    "getConsumerConfig -g admin-group": (r"(retryMaxTimes[ =:]+)3", r"\g<1>16"),
}


def lines(command, text):
    """The lines of an output without what differs from run to run, sorted: they come from sets."""
    masks = (*MASKS, *VALUE) if NAMES.match(command) else MASKS
    text = GHOST.sub("", text).replace("]MessageTrack", "]\nMessageTrack")
    return sorted(printed.masked(text, masks))


def checks(pair):
    """Leaves the same with both, runs every command on both; a name and a check for each."""
    pair.start({})
    known = Known.read(LISTED)
    with contextlib.ExitStack() as stack:
        both = list(live.left(pair, stack))
        asked = iter(both)

        def arguments(server):
            one = next(asked)
            commands = one.program.home / "commands"
            commands.write_text("\n".join(command.format(**one.words, home=one.program.home) for command in COMMANDS))
            for name, value in FILES.items():
                (one.program.home / name).write_text(json.dumps(value))
            return [server.namesrv, commands, "."]

        outputs = [_outputs(tool) for tool in pair.run(stack, "Admin", arguments)]
        for one in both:
            one.program.finish()
    for number, (command, theirs, ours) in enumerate(zip(COMMANDS, *outputs)):
        name = f"{number} {command}"
        yield name, functools.partial(check, known, command, theirs, ours)
        if command in ALTERED:
            altered = re.sub(*ALTERED[command], theirs, count=1)
            yield f"{name}, altered", functools.partial(beside.noticed, check, Known(), command, theirs, altered)
    if pair.kind != beside.APACHE:
        yield "every listed difference is there", known.all_seen


def _outputs(program):
    """What the tool printed for each command, and left in a file."""
    program.finish(300)
    return [_output(program.home, number, command) for number, command in enumerate(COMMANDS)]


def _output(home, number, command):
    printed_text = (home / str(number)).read_text()
    file = home / EXPORTED.get(command, "none")
    return f"{printed_text}\n{file.read_text()}" if file.exists() else printed_text


def check(known, command, theirs, ours):
    """The same lines."""
    return printed.compared(known, command, lines(command, theirs), lines(command, ours))
