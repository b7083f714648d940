// Commands: what people and programs tell of an entity apart from events. Records of <application>-commands, JSON, keyed by the
// entity's id.
//
// Owns: their shapes and reading them. Does not own: what they change (processors), who may send them (apps/http).

import { RecordError } from '../lib/errors.ts';
import type { Device } from './action.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** A device that a person has, or has no more. Of two about one device the later `at` wins. */
export type DeviceCommand =
  | { readonly kind: 'device'; readonly op: 'set'; readonly device: Device; readonly at: number }
  | { readonly kind: 'device'; readonly op: 'remove'; readonly device: Pick<Device, 'id'>; readonly at: number };

/** An address that was dead is good again (schemas/address.ts: its id). */
export interface UnsuppressCommand {
  readonly kind: 'unsuppress';
  readonly address: string;
  readonly at: number;
}

/** What a person said of a decision, or a flow, that waits for it: by its id. */
export interface AnswerCommand {
  readonly kind: 'answer';
  readonly of: string;
  readonly verdict: 'approve' | 'edit' | 'reject';
  /** Of `edit`: what takes the place of values of the messages' data. */
  readonly data: JsonObject;
  readonly by: string;
  /** Why, in a few words; left out: nothing was said. */
  readonly note?: string;
  readonly at: number;
}

/** A flow is to end at once. */
export interface FlowCancelCommand {
  readonly kind: 'flow-cancel';
  readonly rule: string;
  readonly flow: string;
  readonly by: string;
  readonly at: number;
}

/** Who is to look at a decision, or a flow, that waits for a person. */
export interface AssignCommand {
  readonly kind: 'assign';
  readonly of: string;
  readonly to: string;
  readonly by: string;
  readonly at: number;
}

export type Command = DeviceCommand | UnsuppressCommand | AnswerCommand | AssignCommand | FlowCancelCommand;

/** Who answered, or cancelled, is told as it is given. */
export const BY_LENGTH_MAX = 200;
export const NOTE_LENGTH_MAX = 1_000;

/** Of a device's id: it is part of a path, and of every action to it. */
export const DEVICE_ID_LENGTH_MAX = 200;
/** FCM's tokens have some 200 characters and no bound that is told; endpoints of browsers some 300. */
export const DEVICE_TEXT_LENGTH_MAX = 2_048;

export function encodeCommand(command: Command): Uint8Array {
  return Buffer.from(JSON.stringify(command));
}

/** Throws RecordError TRG_RECORD_UNREADABLE, TRG_RECORD_INVALID. */
export function decodeCommand(bytes: Uint8Array): Command {
  return commandOf(objectOf(bytes));
}

/** Throws RecordError TRG_RECORD_INVALID. */
export function commandOf(command: JsonObject): Command {
  const { kind, op, device, address, at } = command;
  if (kind === 'unsuppress' && typeof address === 'string' && typeof at === 'number') return { kind, address, at };
  if (kind === 'answer') return answerOf(command);
  if (kind === 'flow-cancel') return flowCancelOf(command);
  if (kind === 'assign') return assignOf(command);
  if (kind !== 'device') throw new RecordError('TRG_RECORD_INVALID', 'the command is of no kind that there is');
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || !isJsonObject(device)) throw wrong('device');
  if (op === 'remove' && isIdentifier(device['id'])) return { kind, op, device: { id: device['id'] }, at };
  if (op === 'set') return { kind, op, device: deviceOf(device), at };
  throw wrong('device');
}

function answerOf({ of, verdict, data = {}, by, note, at }: JsonObject): AnswerCommand {
  if (typeof of !== 'string' || of === '') throw wrong('of', 'answer');
  if (verdict !== 'approve' && verdict !== 'edit' && verdict !== 'reject') throw wrong('verdict', 'answer');
  if (!isJsonObject(data)) throw wrong('data', 'answer');
  if (!isShortText(by, BY_LENGTH_MAX)) throw wrong('by', 'answer');
  if (note !== undefined && !isShortText(note, NOTE_LENGTH_MAX)) throw wrong('note', 'answer');
  if (typeof at !== 'number' || !Number.isSafeInteger(at)) throw wrong('at', 'answer');
  return { kind: 'answer', of, verdict, data, by, ...(note !== undefined && { note }), at };
}

function assignOf({ of, to, by, at }: JsonObject): AssignCommand {
  if (typeof of !== 'string' || of === '') throw wrong('of', 'assign');
  if (!isShortText(to, BY_LENGTH_MAX)) throw wrong('to', 'assign');
  if (!isShortText(by, BY_LENGTH_MAX)) throw wrong('by', 'assign');
  if (typeof at !== 'number' || !Number.isSafeInteger(at)) throw wrong('at', 'assign');
  return { kind: 'assign', of, to, by, at };
}

function flowCancelOf({ rule, flow, by, at }: JsonObject): FlowCancelCommand {
  if (typeof rule !== 'string' || rule === '') throw wrong('rule', 'flow-cancel');
  if (typeof flow !== 'string' || flow === '') throw wrong('flow', 'flow-cancel');
  if (typeof by !== 'string' || by === '' || by.length > BY_LENGTH_MAX) throw wrong('by', 'flow-cancel');
  if (typeof at !== 'number' || !Number.isSafeInteger(at)) throw wrong('at', 'flow-cancel');
  return { kind: 'flow-cancel', rule, flow, by, at };
}

/** Throws RecordError TRG_RECORD_INVALID, whose message says what is wrong with it. */
export function deviceOf(value: JsonObject): Device {
  const { id, type, token = null, app = null, subscription = null } = value;
  if (!isIdentifier(id)) throw wrong('id');
  if (type !== 'android' && type !== 'ios' && type !== 'web') {
    throw new RecordError('TRG_RECORD_INVALID', '"type" of a device is android, ios or web');
  }
  if (app !== null && !isText(app)) throw wrong('app');
  if (subscription !== null) {
    if (type !== 'web' || token !== null || !isJsonObject(subscription)) throw wrong('subscription');
    const { endpoint, p256dh, auth } = subscription;
    if (!isText(endpoint) || !isText(p256dh) || !isText(auth)) throw wrong('subscription');
    return { id, type, token, app, subscription: { endpoint, p256dh, auth } };
  }
  if (!isText(token)) throw wrong('token');
  return { id, type, token, app, subscription };
}

function isShortText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= lengthMax;
}

function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= DEVICE_ID_LENGTH_MAX;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= DEVICE_TEXT_LENGTH_MAX;
}

function objectOf(bytes: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (isJsonObject(value)) return value;
  } catch {
    // JSON.parse quotes the text in its message, which is somebody's data.
  }
  throw new RecordError('TRG_RECORD_UNREADABLE', 'the command is no JSON object');
}

function wrong(name: string, what = 'device'): RecordError {
  return new RecordError('TRG_RECORD_INVALID', `"${name}" of the ${what} is missing or no such thing`);
}
