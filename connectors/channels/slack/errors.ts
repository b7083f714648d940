// What Slack's errors mean, of chat.postMessage and of incoming webhooks alike: a table.
//
// https://docs.slack.dev/reference/methods/chat.postMessage, its list of errors; of incoming webhooks
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
// https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks. Slack says that there may be others than it
// lists, where the service is down: those are tried again.

/** stop: nothing can be posted there until somebody mends it. never: not this message. later: trying again may help. */
export type SlackVerdict = 'stop' | 'never' | 'later';

const STOP = [
  // The token, its app, its workspace.
  'access_denied',
  'account_inactive',
  'deprecated_endpoint',
  'ekm_access_denied',
  'enterprise_is_restricted',
  'invalid_auth',
  'method_deprecated',
  'missing_scope',
  'no_permission',
  'not_allowed_token_type',
  'not_authed',
  'org_login_required',
  'team_access_not_granted',
  'team_not_found',
  'token_expired',
  'token_revoked',
  'two_factor_setup_required',
  // The channel.
  'channel_not_found',
  'is_archived',
  'not_in_channel',
  'restricted_action',
  'restricted_action_non_threadable_channel',
  'restricted_action_read_only_channel',
  'restricted_action_thread_only_channel',
  // Incoming webhooks.
  'action_prohibited',
  'channel_is_archived',
  'invalid_token',
  'no_active_hooks',
  'no_service',
  'no_service_id',
  'no_team',
  'posting_to_general_channel_denied',
  'team_disabled',
];

const NEVER = [
  'attachment_payload_limit_exceeded',
  'duplicate_message_not_found',
  'invalid_arg_name',
  'invalid_arguments',
  'invalid_array_arg',
  'invalid_attachments',
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_charset',
  'invalid_form_data',
  'invalid_json',
  'invalid_payload',
  'invalid_post_type',
  'json_not_object',
  'markdown_text_conflict',
  'metadata_too_large',
  'missing_text_or_fallback_or_attachments',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'too_many_attachments',
  'too_many_contact_cards',
  'user_not_found',
];

const LATER = [
  'fatal_error',
  'internal_error',
  'message_limit_exceeded',
  'rate_limited',
  'ratelimited',
  'request_timeout',
  'rollup_error',
  'service_unavailable',
  'team_added_to_org',
];

const VERDICTS: ReadonlyMap<string, SlackVerdict> = new Map([
  ...STOP.map((word) => [word, 'stop'] as const),
  ...NEVER.map((word) => [word, 'never'] as const),
  ...LATER.map((word) => [word, 'later'] as const),
]);

/** Undefined: not one that is known. */
export function slackVerdict(word: string): SlackVerdict | undefined {
  return VERDICTS.get(word);
}
