// What holds for a connection of HTTP/1.1, whoever reads it.

/**
 * Requests on one connection that wait for their answers; no more is read of it until one of them
 * has been answered.
 */
export const PIPELINED_MAX_COUNT = 128

/**
 * A request that is answered before its body was read keeps its connection when no more than this
 * is to come: cheaper than a new connection.
 */
export const UNREAD_BODY_MAX_BYTES = 64 * 1024

/** Of answers that wait to be written: from so many bytes on no further request is begun. */
export const UNWRITTEN_MAX_BYTES = 64 * 1024
