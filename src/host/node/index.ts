export { afterPromises } from './after-promises.ts'
export { type AwsKeys, awsCredentials } from './aws-credentials.ts'
export type { AnswerBadRequest, BadRequestStatus } from './bad-request.ts'
export { type CloudWatchOptions, cloudWatch } from './cloudwatch.ts'
export { connectionsMax } from './connections-max.ts'
export { DirectoryInUseError } from './directory-lock.ts'
export { letHeapGrow } from './heap-growth.ts'
export { LISTEN_DEFAULTS, type Listening, type ListenOptions, listen } from './listen.ts'
export { makeFolder } from './make-folder.ts'
export { NodeClock, type NodeClockOptions } from './node-clock.ts'
export { NodeDisk } from './node-disk.ts'
export { type NodeHost, type NodeHostOptions, nodeHost } from './node-host.ts'
export { NodeNetwork, type NodeNetworkOptions } from './node-network.ts'
export { faultRandomOf, NodeRandom } from './node-random.ts'
export { readTextFile } from './read-text-file.ts'
export { selfSigned, type TlsIdentity } from './self-signed.ts'
export { canSharePort } from './shared-port.ts'
export { throwApart } from './throw-apart.ts'
export {
  type Connections,
  environment,
  networkOptionsOf,
  type TransportSettings,
} from './transport.ts'
export {
  type Child,
  type ChildEvents,
  connectToParent,
  launchChild,
} from './worker-process.ts'
