package integration

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteRecords deletes all that a region's topic holds, as retention does.
func (m *mesh) deleteRecords(r *region) {
	m.t.Helper()
	request := kmsg.NewDeleteRecordsRequest()
	request.Version = 1 // the last one with the simple header
	request.TimeoutMillis = int32(patience.Milliseconds())
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset = -1 // to the end
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = m.topicName(r), []kmsg.DeleteRecordsRequestTopicPartition{partition}
	request.Topics = append(request.Topics, topic)
	response := request.ResponseKind().(*kmsg.DeleteRecordsResponse)
	if err := ask(m.addrs[r.index], &request, response); err != nil {
		m.t.Fatal(err)
	}
	if code := response.Topics[0].Partitions[0].ErrorCode; code != 0 {
		m.t.Fatalf("delete the records of %s: %v", topic.Topic, kafka.Error(code))
	}
}

// ask sends one request to a broker, for what kafka-go doesn't have.
func ask(addr string, request kmsg.Request, response kmsg.Response) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, request, 1)); err != nil {
		return err
	}
	var header [8]byte // size and correlation
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return err
	}
	body := make([]byte, binary.BigEndian.Uint32(header[:])-4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return err
	}
	response.SetVersion(request.GetVersion())
	return response.ReadFrom(body)
}

// recreateTopic deletes a region's topic and makes it anew.
func (m *mesh) recreateTopic(r *region) {
	m.t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(m.addrs[r.index])}
	name := m.topicName(r)
	deleted, err := client.DeleteTopics(m.ctx, &kafka.DeleteTopicsRequest{Topics: []string{name}})
	if err == nil {
		err = deleted.Errors[name]
	}
	if err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, fmt.Sprintf("topic %s is made anew", name), func() (bool, string) { // deletion takes its time
		created, err := client.CreateTopics(m.ctx, &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: 1, ReplicationFactor: 1}},
		})
		if err == nil {
			err = created.Errors[name]
		}
		return err == nil, fmt.Sprint(err)
	})
}
