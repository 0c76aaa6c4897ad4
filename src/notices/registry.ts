/**
 * The room of notices. To add one: write a folder whose main file exports a `NoticeKind` (the contract is `model/notice.ts`),
 * add its line below, and run the conformance suite (`test/conformance/notice.ts`) against a real server. The build puts its
 * schema into `schemas/pam.schema.json`.
 *
 * Rules of this room: a receiver is told and never believed; addresses and secrets come from the environment by the names in
 * config, and stand in no message; what people wrote is harmless in the receiver's markup; everything ends by itself.
 */
import type { NoticeKind } from '../model/notice.ts';
import { slack } from './slack/slack.ts';
import { webhook } from './webhook/webhook.ts';

export const noticeKinds: ReadonlyMap<string, NoticeKind> = new Map([
  [slack.kind, slack],
  [webhook.kind, webhook],
]);
