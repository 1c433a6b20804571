import { describe, expect, test } from '@jest/globals'
import { checkFiles } from '../../../infra/tools/words/check.ts'
import { countWords, sumWords } from '../../../infra/tools/words/count.ts'
import { findInPath, findWords } from '../../../infra/tools/words/find.ts'
import { type Place, splitName } from '../../../infra/tools/words/fragment.ts'
import { style } from '../../../infra/tools/words/style.ts'
import { terms } from '../../../infra/tools/words/terms.ts'

/** A place, a text with a banned word, the word, and a text that is right. */
const examples: [Place, string, string, string][] = [
  ['comment', 'Another shape is an error.', 'shape', 'The shaper of the network.'],
  ['comment', 'The run has begun.', 'begun', 'Ignores the beginning of the line.'],
  ['name', 'follow', 'follow', 'followRedirects'],
  ['markdown', 'A run is followed to its end.', 'to its end', 'Follow the link to the page.'],
  ['word', 'take-back', 'take back', 'give-back'],
  ['name', 'mustEnd', 'must End', 'mustAppend'],
  ['comment', 'Events that are handed over.', 'handed over', 'Events that are handed to a queue.'],
  ['name', 'answersItself', 'answers Itself', 'answersIt'],
  ['name', 'answeredBy', 'answered By', 'answered'],
  ['name', 'lookAgain', 'look', 'lookUp'],
  ['comment', 'Ends after the last look.', 'last look', 'Ends after the last look-up.'],
  ['name', 'ChangeSight', 'Sight', 'insight'],
  ['string', 'The run goes on.', 'goes on', 'The run goes on to the next step.'],
  ['name', 'onlyInteractive', 'only Interactive', 'isInteractive'],
  ['name', 'DoorRequest', 'Door', 'indoor'],
  ['comment', 'The books of the platform.', 'books', 'A booking of the platform.'],
  ['name', 'Ledger', 'Ledger', 'pledge'],
  ['comment', 'Prints the story of a call.', 'story', 'Creates a User Story.'],
  ['name', 'world', 'world', 'helloWorld'],
  ['name', 'Work', 'Work', 'work'],
  ['name', 'perform', 'perform', 'performance'],
  ['comment', 'The call is in doubt.', 'doubt', 'The call is no doubt correct.'],
  ['name', 'afterWrite', 'after Write', 'afterWriting'],
  ['name', 'repeated', 'repeated', 'repeatedHeaders'],
  ['name', 'tries', 'tries', 'retries'],
  ['comment', 'Ends after two tries.', 'two tries', 'It tries a second time, and then one try to stop.'],
  ['name', 'askPeople', 'ask People', 'askPeoples'],
  ['name', 'clickIn', 'click', 'onClick'],
  ['name', 'settle', 'settle', 'allSettled'],
  ['name', 'referenceTo', 'reference To', 'referenceData'],
  ['string', 'The trial failed.', 'trial', 'An industrial system failed.'],
  ['name', 'keepRun', 'keep', 'keepAlive'],
  ['comment', 'Keeps a question.', 'Keeps', 'Keeps track of a question.'],
  ['comment', 'A result is kept for a day.', 'kept', 'The socket is kept open.'],
  ['name', 'gatherFields', 'gather', 'altogether'],
  ['comment', 'A person is told.', 'told', 'A person is untold.'],
  ['name', 'mostTries', 'most', 'mostRecent'],
  ['name', 'longestTitle', 'longest', 'longest'],
  ['name', 'remembered', 'remembered', 'remember'],
  ['name', 'longWish', 'Wish', 'wishbone'],
  ['name', 'choice', 'choice', 'choices'],
  ['name', 'hiddenMark', 'hidden Mark', 'markdown'],
  ['comment', 'The key is the mark of it.', 'the mark', 'Adds a question mark.'],
  ['comment', 'Stores the key of the call.', 'key of the call', 'Stores the key of a field.'],
  ['comment', 'The platform has trouble.', 'trouble', 'See troubleshooting.'],
  ['comment', 'Every claim held.', 'claim held', 'Every claim is verified.'],
  ['name', 'inWords', 'in Words', 'inWordsmith'],
  ['name', 'plainLine', 'plain Line', 'plainText'],
  ['markdown', 'The house', 'The house', 'The household'],
  ['string', 'Mend the secret.', 'Mend', 'We recommend to amend the secret.'],
  ['comment', 'It is read anew.', 'anew', 'It is read from a new file.'],
  ['comment', 'A file beside it.', 'beside', 'Besides, a file.'],
  ['comment', 'Sets it aside.', 'aside', 'Inside of it.'],
  ['comment', 'Reads the whole file.', 'whole', 'A whole number of files, or the account as a whole.'],
  [
    'comment',
    'It is not known if people have decided.',
    'not known if people',
    'It is not known whether people have decided.',
  ],
  ['comment', 'A request waits for long.', 'waits for long', 'A request waits for a long time.'],
  ['comment', 'All but for one.', 'but for', 'All, but not for long.'],
  ['comment', 'It is not there any more.', 'any more', 'Ignores any more events.'],
  ['comment', 'Reads all else.', 'all else', 'Reads all elsewhere.'],
  ['comment', 'A comment of ours.', 'of ours', 'A comment of our own.'],
  ['comment', 'Makes so many requests.', 'so many', 'There are so many requests that it fails.'],
  ['comment', 'It failed in itself.', 'in itself', 'It failed in its own way.'],
  ['comment', 'Not oftener than once.', 'oftener', 'Often.'],
  ['string', 'This is none of ours.', 'none of ours', 'None of our own.'],
  ['string', 'It is of no use.', 'of no use', 'Part of use case 3.'],
  ['comment', 'Nobody reads it.', 'Nobody', 'Send it to nobody@example.com.'],
  ['comment', 'Whatever it is.', 'Whatever', 'Whichever it is.'],
  ['markdown', "A domain of one's own.", "one's", 'A domain of your own.'],
  ['comment', 'It can not be read.', 'can not', 'It can not only be read.'],
  ['comment', 'Not at all.', 'at all', 'Applies at all times.'],
  ['comment', 'Returned as it is.', 'as it is', 'As soon as it is.'],
  ['string', 'That is no URL.', 'is no', 'There is no URL; it is no longer used.'],
  ['comment', 'Defaults to X if left out.', 'left out', 'The exit on the left, out there.'],
  ['comment', 'Empty where it is not set.', 'where it is not', 'The folder where it is stored.'],
  ['comment', 'Null where a run is over.', 'Null where', 'The folder where a run is stored.'],
  ['comment', 'What must not go to Keptn.', 'What must not go to Keptn', 'What does it do? Parses what was sent.'],
  ['markdown', 'What is older is deleted.', 'What is older is deleted', 'What is a gate? Parses what is sent.'],
  ['comment', 'Shows what became of it.', 'became of', 'Shows what changed.'],
  ['comment', 'Reads what the platform answers.', 'what the platform answers', 'Reads the answers.'],
  ['comment', 'The id stands in the path.', 'stands in', 'A server that stands in for AWS.'],
  ['string', 'It did not turn out well.', 'turn out well', 'Well, it turned out.'],
  ['comment', 'Where the API is.', 'Where the API is', 'Where is the API? Returns where the API is.'],
  ['string', 'Where the API is, or is not.', 'Where the API is, or is not', 'Says where the API is.'],
  ['markdown', 'An unknown action is answered **404**.', 'is answered **404', 'GitHub answered 404.'],
  ['comment', 'A rollback is asked for.', 'is asked for', 'The person who asked for it.'],
  ['comment', 'The run is looked for.', 'is looked for', 'Looks for the run.'],
  ['comment', 'It is said in the log.', 'is said', 'It is said to be faster.'],
  ['comment', 'Keptn hears of it.', 'hears', 'Sends a heartbeat.'],
  ['comment', 'It is forgotten.', 'forgotten', 'Do not forget it.'],
  ['comment', 'It came to its end.', 'came to its end', 'It came to the office.'],
  ['string', 'It was tried in vain.', 'in vain', 'The domain in vainglory.'],
  ['string', 'Ends the job, also if it is slow.', 'also if', 'Retries if it is slow, and also if it fails.'],
  [
    'markdown',
    'Replace the host by yours.',
    'Replace the host by',
    'It was replaced by a new task; replace it by hand.',
  ],
  ['comment', 'A URL that each call brings.', 'brings', 'Teams bring their files. Brings the run into a state.'],
  ['comment', 'An event next to the result.', 'next to', 'A button next to the field, and a file next to it.'],
  ['comment', 'It behaves as the SDK.', 'behaves as', 'It behaves like the SDK, as documented.'],
  ['string', 'It was sent nevertheless.', 'nevertheless', 'It was sent anyway. It is never the less.'],
  ['comment', ' Of a rollback: its id.', 'Of', ' The id of a rollback. Of course.'],
  ['comment', ' As Lambda reports it.', 'As', ' As long as a call is recorded.'],
  ['comment', 'A server that plays GitHub.', 'plays', 'A server that displays a playbook.'],
]

function found(place: Place, text: string): string[] {
  const source = place === 'name' || place === 'word' ? splitName(text) : text
  return findWords('shared/example.ts', source, [{ place, text: source, start: 0 }]).map(({ found }) => found)
}

test.each(examples)('in a %s, "%s" is reported as "%s", and "%s" is not reported', (place, wrong, word, right) => {
  expect(found(place, wrong)).toContain(word)
  expect(found(place, right)).toEqual([])
})

test('every rule has an example', () => {
  const unused = [...terms, ...style].filter(
    ({ pattern, places }) =>
      !examples.some(([place, wrong]) => {
        const text = place === 'name' || place === 'word' ? splitName(wrong) : wrong
        return places.includes(place) && [...text.matchAll(pattern)].length > 0
      }),
  )
  expect(unused.map(({ not }) => not)).toEqual([])
})

test('the length of a page is its prose, without code, generated sections and link targets', () => {
  const page = `# Two words

Read [this page](docs/policy.md), \`code\` too.

<!-- costs: generated by npm run docs -->
| not | counted |
<!-- /costs -->

\`\`\`sh
not counted
\`\`\`
`
  const pages = new Map([
    ['docs/a.md', page],
    ['docs/b.md', `${page}One more.`],
    ['docs/proof.md', page],
    ['shared/a.ts', page],
  ])
  expect(countWords(pages)).toEqual([
    ['docs/b.md', 9],
    ['docs/a.md', 7],
  ])
  expect(sumWords(countWords(pages))).toBe(16)
})

describe('the words of a program', () => {
  const source = [
    '/** What a run shows. */',
    'export interface Sight {',
    '  begun: string // told',
    '}',
    'const vendor = { choice: 1, "kept": /at all/ }',
    'const { tries, begin: start, end: books } = vendor',
    'import { world } from "../door.ts"',
    `throw new Error(\`The \${trial(\`no \${sight} anew\`)} stands`,
    ` at the end of \${"the house"} // in doubt\`)`,
    'call("take-back", "the `ledger` of https://example.com/story") /* https://a.b/door */',
    '// The job goes',
    '// on at the platform.',
  ].join('\n')
  const findings = checkFiles('/project', new Map([['shared/a.ts', source]])).map(
    ({ line, found }) => `${line}: ${found}`,
  )

  test('are found in comments, strings, templates and declared names', () => {
    expect(findings).toEqual([
      '1: What a run shows',
      '2: Sight',
      '3: begun',
      '3: told',
      '6: books',
      '8: anew',
      '8: stands at',
      '9: the house',
      '9: doubt',
      '10: take back',
      '11: goes on',
    ])
  })
})

test.each([
  [
    'a.md',
    'A run\ngoes on.\n\n`goes on` [x](door.md)\n\n```yaml\nbooks: 1 # the door\n```\n',
    ['2: goes on', '7: door'],
  ],
  ['a.md', '| What it does | told |\n| --- | --- |\n', ['1: told']],
  ['a.md', '<!-- words: generated by npm run docs -->\n\ntold\n\n<!-- /words -->\n\ntold\n', ['7: told']],
  ['a.yaml', 'books: told # anew\nmessage: It goes on.\n', ['1: anew', '2: goes on']],
  ['a.json', '{ "told": "told", "message": "It goes on." }', ['1: goes on']],
  ['a.css', '.door { } /* a door */', ['1: door']],
  ['a.html', '<p class="door">a door</p>', ['1: door']],
  ['a.sh', '# anew\necho told', ['1: anew']],
  ['a.png', 'told', []],
])('in %s, the words of %j are found', (path, source, expected) => {
  expect(checkFiles('/project', new Map([[path, source]])).map(({ line, found }) => `${line}: ${found}`)).toEqual(
    expected,
  )
})

test.each([
  ['string', 'Sent if the task fails, also if it is late.'],
  ['string', 'It behaves as expected.'],
  ['comment', ' As a caller, it has a token.'],
  ['comment', ' As on AWS, each function has a timeout.'],
  ['string', 'As Lambda reports it, of course.'],
] as const)('in a %s, "%s" is allowed', (place, text) => {
  expect(found(place, text)).toEqual([])
})

test('the names of files and folders are checked', () => {
  expect(findInPath('shared/shapes/take-back.ts').map(({ found }) => found)).toEqual([
    'shapes (file name)',
    'take back (file name)',
  ])
  expect(findInPath('shared/providers/cleanup.ts')).toEqual([])
})

test('a term of a platform is allowed in the files of its provider', () => {
  const fragment = { place: 'comment', text: 'The shape of a test.', start: 0 } as const
  expect(findWords('functions/load-testing/locust/locust.ts', fragment.text, [fragment])).toEqual([])
  expect(findWords('functions/load-testing/k6/k6.ts', fragment.text, [fragment])).toHaveLength(1)
})
