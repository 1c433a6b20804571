import type { Place } from './fragment.ts'

export interface Rule {
  /** The banned words, as docs/glossary.md shows them. */
  not: string
  /** The words to use instead. */
  write: string
  pattern: RegExp
  /** Defaults to all places. */
  places?: readonly Place[]
}

const NAMES = ['name'] as const
const PROSE = ['comment', 'string', 'markdown'] as const

/** Banned words and constructions. docs/glossary.md shows them: run `npm run docs` after a change. */
export const rules: readonly Rule[] = [
  // Terms of the project.
  { not: 'shape', write: 'provider kind, schema, structure', pattern: /\bshape[sd]?\b/i },
  { not: 'begin, begun, began', write: 'start, started job', pattern: /\b(?:begins?|beginning (?!of)|begun|began)\b/i },
  { not: 'follow (a job)', write: 'poll', pattern: /^follow(?:s|ed|ing)?$/i, places: NAMES },
  {
    not: 'follow to its end',
    write: 'poll to completion',
    pattern: /\bfollow(?:s|ed)? (?:it |them )?to (?:its|the|their) end\b/i,
    places: PROSE,
  },
  { not: 'takeBack, take back', write: 'cleanup, clean up', pattern: /\b(?:takes?|taken|took|taking) back\b/i },
  { not: 'mustEnd', write: 'needsCleanup', pattern: /\bmust end\b/i, places: NAMES },
  { not: 'handedOver, handed over', write: 'delegated', pattern: /\b(?:hand(?:s|ed|ing)? over|hand over)\b/i },
  { not: 'answersItself', write: 'sendsFinished', pattern: /\banswers itself\b/i },
  { not: 'answeredBy', write: 'delegatedTo', pattern: /\banswered by\b/i, places: NAMES },
  {
    not: 'look, looks (a status request)',
    write: 'getStatus, status, poll',
    pattern: /\b(?:look(?:s|ed|ing)?(?! (?:up|ahead|behind)\b))\b/i,
    places: NAMES,
  },
  {
    not: 'a look, looks at, look again, look after',
    write: 'poll, check, read the status, refresh',
    pattern:
      /\b(?:(?:a|the|each|every|one|first|last|next|this|that|no|another|second|between|two) looks?|looks (?:at|after|for|into)|(?:looked|looking) (?:at|after)|look after|look(?:s|ed)? again)\b/i,
    places: PROSE,
  },
  { not: 'sight', write: 'status', pattern: /\bsights?\b/i },
  {
    not: 'goes on, go on, went on',
    write: 'is running, continues',
    pattern: /\b(?:goes|go|going|gone|went) on\b(?! to\b)/i,
  },
  { not: 'onlyInteractive', write: 'requiresTask', pattern: /\bonly interactive\b/i, places: NAMES },
  { not: 'door', write: 'public route', pattern: /\bdoors?\b/i },
  { not: 'books', write: 'records', pattern: /\bbooks\b/i },
  { not: 'ledger', write: 'call log', pattern: /\bledgers?\b/i },
  { not: 'story', write: 'timeline', pattern: /\bstor(?:y|ies)\b/i },
  { not: 'world, front (chaos test)', write: 'environment, proxy', pattern: /^(?:world|front)$/i, places: NAMES },
  { not: 'Work', write: 'ActionRequest', pattern: /^Work$/, places: NAMES },
  { not: 'perform', write: 'runAction', pattern: /^performs?$/i, places: NAMES },
  { not: 'in doubt, doubtful', write: 'outcome unknown, outcomeUnknown', pattern: /\b(?<!no )doubt(?:ful|s|ed)?\b/i },
  { not: 'afterWrite', write: 'mayHaveWritten', pattern: /\bafter write\b/i, places: NAMES },
  { not: 'repeated', write: 'isRetry', pattern: /^repeated$/i, places: NAMES },
  { not: 'tries (noun)', write: 'attempts', pattern: /^(?:\w+ )*tries$/i, places: NAMES },
  {
    not: 'a try, the first try, tries',
    write: 'attempt',
    pattern:
      /\b(?:(?:a|one|each|every|first|second|last|next|another|this|that|per) try\b(?! (?:to|it|again))|(?:few|of|two|three|more|many|most|all|\d+|further|between|after|these|several) tries)\b/i,
    places: PROSE,
  },
  { not: 'askPeople', write: 'requestApproval', pattern: /\bask people\b/i, places: NAMES },
  { not: 'click', write: 'response, button', pattern: /\b(?<!on )clicks?\b/i, places: NAMES },
  { not: 'settle', write: 'close', pattern: /\b(?<!all )settle[sd]?\b/i },
  { not: 'reference', write: 'signed link', pattern: /\breferences?\b/i, places: NAMES },
  { not: 'trial', write: 'connection test', pattern: /\btrials?\b/i },
  { not: 'in vain', write: 'failed, without success', pattern: /\bin vain\b/i },
  { not: 'keep, kept', write: 'save, saved, stored', pattern: /\bke(?:eps?|pt)\b(?! alive)/i, places: NAMES },
  {
    not: 'kept',
    write: 'saved, stored, retained',
    pattern: /\bkept\b(?! (?:alive|open|running|secret|private|short|small|out of|up to date|apart|separate))/i,
    places: PROSE,
  },
  { not: 'gather', write: 'prompt for, collect', pattern: /\bgather(?:s|ed|ing)?\b/i },
  { not: 'tell, told', write: 'report, notify, reported', pattern: /\b(?:tells?|told|telling)\b/i },
  { not: 'mostX', write: 'maxX, MAX_X', pattern: /^most (?!recent|likely|used)/i, places: NAMES },
  {
    not: 'longestX, shortestX, leastX',
    write: 'maxX, minX',
    pattern: /^(?:longest|shortest|least|fewest) (?!privilege)/i,
    places: NAMES,
  },
  { not: 'freshest, remembered', write: 'ttl, cached', pattern: /\b(?:freshest|remembered)\b/i },
  { not: 'wish', write: 'request, Retry-After', pattern: /\bwish(?:es|ed)?\b/i },
  {
    not: 'choice, chosen, asChosen',
    write: 'action mapping, mapped action',
    pattern: /\b(?:choice|chosen)\b/i,
    places: NAMES,
  },
  { not: 'mark', write: 'marker', pattern: /^(?:\w+ )?mark$/i, places: NAMES },
  { not: 'the mark', write: 'marker', pattern: /\b(?:the|its|hidden|same|such a|a|that) mark\b/i, places: PROSE },
  {
    not: 'the key of a call',
    write: 'idempotency key',
    pattern: /\bkey of (?:a|the|this|its|each|that) call\b/i,
    places: PROSE,
  },
  {
    not: 'spoil, disturb, trouble',
    write: 'inject a fault, fault injector, failure',
    pattern: /\b(?:spoil(?:s|ed|t|ing)?|disturb(?:s|ed|ing|ance|ances)?|troubles?|troubled)\b/i,
  },
  { not: 'the claim held', write: 'invariant', pattern: /\bclaims? held\b/i },
  { not: 'inWords', write: 'formatDuration, describeX', pattern: /\bin words\b/i, places: NAMES },
  { not: 'plain line', write: 'singleLine', pattern: /\bplain line\b/i },
  { not: 'the house', write: 'project layout', pattern: /\bthe house\b/i },

  // Words that make a reader stumble.
  { not: 'mend', write: 'repair, update', pattern: /\bmend(?:s|ed|ing)?\b/i },
  { not: 'anew', write: 'again', pattern: /\banew\b/i },
  { not: 'beside', write: 'next to, in addition to', pattern: /\bbeside\b/i },
  { not: 'aside', write: 'except, apart from', pattern: /\baside\b/i },
  { not: 'whole', write: 'complete, entire, full', pattern: /\bwhole\b(?! numbers?\b)/i },
  {
    not: 'of no use, of use',
    write: 'not supported, useful',
    pattern: /\bof (?:no |any |little )?use\b(?! (?:case|of))/i,
    places: PROSE,
  },
  { not: 'nobody, somebody', write: 'the actor, no one, someone', pattern: /\b(?:nobody|somebody)\b/i },
  { not: 'whoever, whatever', write: 'the actor, any', pattern: /\b(?:whoever|whatever|whomever)\b/i },
  { not: "one's own", write: 'custom, your own', pattern: /\bone's\b/i },
  { not: 'can not', write: 'cannot', pattern: /\bcan not\b(?! only)/i },
  {
    not: 'at all',
    write: '(leave it out)',
    pattern: /\bat all\b(?! (?:times?|costs?|hours|levels?|events|points|sizes|widths))/i,
    places: PROSE,
  },
  {
    not: 'as it is, as they are',
    write: 'unchanged, verbatim',
    pattern:
      /(?<!\b(?:soon|long|far|often|much|well|same|known|just|only) )\bas (?:it is|they are|it was|they were)(?= ?(?:[.,;:)]|and\b|$))/i,
    places: PROSE,
  },
  {
    not: 'is no X, is none',
    write: 'is not a X, invalid X',
    pattern:
      /(?<!\b(?:there|here|that there|if there) )\b(?:is|are|was|were) (?:no|none|nothing)\b(?! (?:longer|more|less|fewer|later|better|different|other|sooner|earlier|such|guarantee|need|wider|larger|older|newer|problem)\b)/i,
    places: PROSE,
  },
  { not: 'left out', write: 'omitted; "Defaults to X"', pattern: /\bleft out\b/i },
  {
    not: 'where (= if)',
    write: 'if, when',
    pattern:
      /\bwhere (?:(?:it|that|this|he|they|one|there) (?:is|are|was|were|has|have|does|do|can|could|did|had|may)(?:n't| not| no| none| nothing| one| any)\b|none\b|nothing\b|no (?!longer)\w+|it (?:is|was|does|has|can)[.,;)])/i,
    places: PROSE,
  },
  {
    not: 'What .. (headless subject)',
    write: 'a noun or a verb',
    pattern: /(?<=^[\s-]*|[.!?]\s+|@returns\s+|@param\s+\S+\s+)What\b[^?]*?(?=[.!;](?:\s|$)|\s*$)/i,
    places: ['comment'],
  },
  {
    not: 'What .. (headless subject)',
    write: 'a noun or a verb',
    pattern:
      /(?<=^[\s*-]*(?:\*\*)?|[.!?]\s+)What (?:must|is|was|has|had|can|may|it|an?|the|this|they|we) [^?]*?[^?](?=[.!;](?:\s|$)|\s*$)/,
    places: ['string', 'markdown'],
  },
  {
    not: 'what becomes of, what came of',
    write: 'result, outcome',
    pattern: /\bwhat (?:becomes|became|comes|came) of\b/i,
    places: PROSE,
  },
  {
    not: 'what it answers',
    write: 'response',
    pattern: /\bwhat (?:it|they|the \w+|a \w+|\w+) answer(?:s|ed)?\b/i,
    places: PROSE,
  },
  {
    not: 'stands in, stands at',
    write: 'is in',
    pattern: /\b(?:stands?|stood|standing) (?:in(?! for\b)|at|there|under|above|beside|behind|before)\b/i,
    places: PROSE,
  },
  {
    not: 'not well, turn out well',
    write: 'failed',
    pattern: /\b(?:not well|turn(?:s|ed)? out(?: not)? well|ended well|ends well)\b/i,
    places: PROSE,
  },
  {
    not: 'came to its end, to its end',
    write: 'ended, to completion',
    pattern: /\b(?:came|comes|come) to (?:its|an|the) end\b/i,
    places: PROSE,
  },
]
