/** What may name a stream: 1 to 128 of these. API reference, CreateStream. */
export const STREAM_NAME_PATTERN = /^[a-zA-Z0-9_.-]{1,128}$/
