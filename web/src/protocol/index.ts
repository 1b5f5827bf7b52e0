// The wire types under the names the page uses; the only file that knows where they are made (`make types` writes gen/).
// It holds no checks (decode.ts) and nothing of how frames travel (net).
export type { Answer } from './gen/Answer';
export type { Challenge } from './gen/Challenge';
export type { ChatLine } from './gen/ChatLine';
export type { ClientFrame } from './gen/ClientFrame';
export type { ClientMsg } from './gen/ClientMsg';
export type { Clock } from './gen/Clock';
export type { Color } from './gen/Color';
export type { ColorChoice } from './gen/ColorChoice';
export type { DrawAction } from './gen/DrawAction';
export type { ErrorCode } from './gen/ErrorCode';
export type { Player } from './gen/Player';
export type { Playing } from './gen/Playing';
export type { Presence } from './gen/Presence';
export type { Reason } from './gen/Reason';
export type { Room } from './gen/Room';
export type { Seek } from './gen/Seek';
export type { SeekClock } from './gen/SeekClock';
export type { SeeksFrame } from './gen/SeeksFrame';
export type { ServerMsg } from './gen/ServerMsg';
export type { Snapshot } from './gen/Snapshot';
export type { Speed } from './gen/Speed';
export type { Status } from './gen/Status';
export type { TimeTerms } from './gen/TimeTerms';
export type { User } from './gen/User';
export type { Variant } from './gen/Variant';
