import { PROSE, rule } from './rule.ts'

const CONDITION = [
  "(?:it|that|this|he|they|one|there) (?:is|are|was|were|has|have|does|do|can|could|did|had|may)(?:n't| not| no| none| nothing| any| one| another)",
  'there (?:is|are|was|were)',
  '(?:it|they) (?:has|have|had|does|do|did)',
  'that (?:is|was)',
  'it is[.,;)]',
  'none|nothing|nobody|too (?:much|many)|no (?!longer)\\w+',
  '(?:the|a|an|its|this|each) \\w+(?: \\w+)? (?:has|have|names?|knows?|does|cannot|allows?|(?:is|are|was|were) (?:not|none|no|down|gone|missing))',
].join('|')

/** Words and constructions that a native reader stumbles over. */
export const style = [
  rule('mend', 'repair, update', /\bmend(?:s|ed|ing)?\b/i),
  rule('anew', 'again', /\banew\b/i),
  rule('beside', 'next to, in addition to, except', /\bbeside\b/i),
  rule('aside', 'except, apart from', /\baside\b/i, PROSE),
  rule('whole', 'complete, entire, full', /(?<!\bas a )\bwhole\b(?! numbers?\b)/i),
  rule('but for', 'except for', /\bbut for\b/i, PROSE),
  rule(
    'not .. any more',
    'no longer',
    /\bany more\b(?=\s*(?:[.,;:)]|$|\b(?:and|or|when|that|what|which|is|are|was|by)\b))/i,
    PROSE,
  ),
  rule('in itself', '(omit it)', /\bin itself\b/i, PROSE),
  rule('oftener', 'more often', /\boftener\b/i),
  rule('none of ours, one too many', 'not ours, one more than allowed', /\b(?:none of ours|one too many)\b/i),
  rule('of no use', 'not supported', /\bof (?:no |any |little )?use\b(?! (?:case|of))/i, PROSE),
  rule('nobody, somebody', 'the actor, no one, someone', /\b(?:nobody|somebody)\b(?!@)/i),
  rule('whoever, whatever', 'the actor, any, regardless of', /\b(?:whoever|whomever|whatever)\b/i),
  rule("one's own", 'custom, your own', /\bone's\b/i, PROSE),
  rule('can not', 'cannot', /\bcan not\b(?! only)/i),
  rule('at all', '(omit it)', /\bat all\b(?! (?:times?|costs?|hours|levels?|events|points|sizes|widths))/i, PROSE),
  rule(
    'as it is, as they are',
    'unchanged, verbatim',
    /(?<!\b(?:soon|long|far|often|much|well|same|known|just|only) )\bas (?:it is|they are|it was|they were)(?=\s*(?:[.,;:)]|and\b|$))/i,
    PROSE,
  ),
  rule(
    'is no X, is none',
    'is not a X, invalid X',
    /(?<!\b(?:there|here) )\b(?:is|are|was|were) (?:no|none|nothing)\b(?! (?:longer|more|less|fewer|later|better|different|other|sooner|earlier|such|guarantee|doubt|need|wider|larger|older|newer|problem)\b)/i,
    PROSE,
  ),
  rule('left out', 'omitted; "Defaults to X"', /\bleft out\b/i),
  rule('where (for a condition)', 'if, when', new RegExp(`\\bwhere (?:${CONDITION})(?!\\w)`, 'i'), PROSE),
  rule(
    'undefined where, none where',
    'if, when',
    /\b(?:undefined|null|absent|empty|none|nothing|refused|fails) where\b/i,
    PROSE,
  ),
  rule(
    'What .., Who .. (as a subject)',
    'a noun, or a verb for a function',
    /(?<=^[\s-]*|[.!?] |@returns |@param \S+ )(?:What|Who)\b[^?]*?(?=[.!;](?:\s|$)|\s*$)/i,
    ['comment'],
  ),
  rule(
    'What .., Who .. (as a subject)',
    'a noun, or a verb for a function',
    /(?<=^[\s*-]*(?:\*\*)?|[.!?] )(?:What|Who) (?:must|is|was|has|had|can|may|it|an?|the|this|they|we) [^?]*?[^?](?=[.!;](?:\s|$)|\s*$)/,
    ['string', 'markdown'],
  ),
  rule('what becomes of, what came of', 'result, outcome', /\bwhat (?:becomes|became|comes|came) of\b/i, PROSE),
  rule('what it answers', 'response', /\bwhat (?:(?:the|a) )?\w+ answer(?:s|ed)?\b/i, PROSE),
  rule(
    'stands in, stands at',
    'is in',
    /\b(?:stands?|stood|standing) (?:in(?! for\b)|at|there|under|above|beside|behind|before)\b/i,
    PROSE,
  ),
  rule(
    'not well, turned out well',
    'failed, succeeded',
    /\b(?:not well|turn(?:s|ed)? out(?: not)? well|end(?:s|ed) well)\b/i,
    PROSE,
  ),
  rule('came to its end', 'ended, completed', /\b(?:came|comes?) to (?:its|an|the) end\b/i, PROSE),
  rule('in vain', 'failed, without success', /\bin vain\b/i),
]
