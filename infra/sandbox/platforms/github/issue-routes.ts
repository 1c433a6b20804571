import { routeTable } from '../../../testing/route-table.ts'
import { type FakeCall, type FakeReply, json } from '../sandbox/http.ts'
import { docs, notFound, paged, withBody } from './answers.ts'
import { type FieldError, readFilter, readIssue, readLabels, readPage } from './input.ts'
import type { Issue, Issues, Repo } from './issues.ts'
import { commentResponse, issueResponse, labelResponses } from './responses.ts'

/** A request to a repository. */
interface RepositoryCall extends FakeCall {
  repo: Repo
  issues: Issues
}

/** @see https://docs.github.com/rest/issues */
export const routeIssues = routeTable<RepositoryCall, FakeReply>()({
  'GET /repos/{owner}/{repo}/issues': listIssues,
  'POST /repos/{owner}/{repo}/issues': openIssue,
  'GET /repos/{owner}/{repo}/issues/{number}': withIssue((call, issue) => json(200, issueResponse(call.root, issue))),
  'PATCH /repos/{owner}/{repo}/issues/{number}': withIssue(updateIssue),
  'GET /repos/{owner}/{repo}/issues/{number}/comments': withIssue(listComments),
  'POST /repos/{owner}/{repo}/issues/{number}/comments': withIssue(addComment),
  'POST /repos/{owner}/{repo}/issues/{number}/labels': withIssue(addLabels),
})

function withIssue(then: (call: RepositoryCall, issue: Issue) => FakeReply) {
  return (call: RepositoryCall & { params: { number: string } }): FakeReply => {
    const { number } = call.params
    const issue = /^\d+$/.test(number) ? call.issues.get(call.repo, Number(number)) : undefined
    return issue ? then(call, issue) : notFound()
  }
}

function listIssues(call: RepositoryCall): FakeReply {
  const filter = readFilter(call.query)
  if (filter.errors.length > 0) return invalid(filter.errors, 'issues/issues#list-repository-issues')
  const page = readPage(call.query)
  return paged(call, page, call.issues.list(call.repo, filter.value, page), (issue) => issueResponse(call.root, issue))
}

function openIssue(call: RepositoryCall): FakeReply {
  const { root, repo, issues } = call
  return withBody(call, (body) => {
    const { value, errors } = readIssue(body, true)
    if (errors.length > 0 || value.title === undefined) return invalid(errors, 'issues/issues#create-an-issue')
    const response = issueResponse(root, issues.create(repo, { ...value, title: value.title }))
    return json(201, response, { location: response.url }, `opened ${repo.owner}/${repo.name}#${response.number}`)
  })
}

function updateIssue(call: RepositoryCall, issue: Issue): FakeReply {
  return withBody(call, (body) => {
    const { value, errors } = readIssue(body, false)
    if (errors.length > 0) return invalid(errors, 'issues/issues#update-an-issue')
    const updated = call.issues.update(issue, value)
    return json(
      200,
      issueResponse(call.root, updated),
      {},
      `${issue.owner}/${issue.repo}#${issue.number} is ${updated.state}`,
    )
  })
}

function listComments(call: RepositoryCall, issue: Issue): FakeReply {
  const page = readPage(call.query)
  return paged(call, page, call.issues.comments(issue, page), (comment) => commentResponse(call.root, issue, comment))
}

function addComment(call: RepositoryCall, issue: Issue): FakeReply {
  return withBody(call, ({ body }) => {
    const code = body === undefined || body === '' ? 'missing_field' : 'invalid'
    if (typeof body !== 'string' || body.trim() === '') {
      return invalid([{ resource: 'IssueComment', field: 'body', code }], 'issues/comments#create-an-issue-comment')
    }
    const response = commentResponse(call.root, issue, call.issues.comment(issue, body))
    return json(201, response, { location: response.url }, `commented on ${issue.owner}/${issue.repo}#${issue.number}`)
  })
}

function addLabels(call: RepositoryCall, issue: Issue): FakeReply {
  return withBody(call, (body) => {
    const { value, errors } = readLabels(body.labels)
    if (errors.length > 0) return invalid(errors, 'issues/labels#add-labels-to-an-issue')
    const labels = readLabels([...issue.labels, ...value]).value
    return json(200, labelResponses(call.root, call.issues.update(issue, { labels })))
  })
}

function invalid(errors: FieldError[], page: string): FakeReply {
  const body = { message: 'Validation Failed', errors, documentation_url: `${docs}/${page}`, status: '422' }
  return json(422, body, {}, errors.map(({ field, code }) => `${field} ${code}`).join(', '))
}
