/** Options of both ends of every channel. grpc-js limits only what is received, and that at 4 MiB, unless told. */
import type { ChannelOptions } from '@grpc/grpc-js';

const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // Leases are the truth about who lives; this only notices dead connections sooner. A control plane may stand still for
  // half a minute, on a slow disk or when it takes a sweep of a million trials, and is not dead then.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 40_000,
  // Up to two minutes otherwise, which whoever waits for a control plane to come back takes for its being away.
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 3_000,
  // Otherwise whatever a stream has sent is kept for a retry, for as long as the stream lives.
  'grpc.enable_retries': 0,
};
