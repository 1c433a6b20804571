export interface Named {
  id: number
  name: string
}

export interface User {
  id: number
  login: string
  firstname: string
  lastname: string
  mail: string
  key: string
  admin: boolean
  /** The user is a member of the project. */
  member: boolean
  /** The permissions of the user. Redmine rejects or silently ignores everything else. */
  may: { edit: boolean; addNotes: boolean }
}

export const project = { id: 1, name: 'Operations', identifier: 'ops' }
export const CREATED_ON = '2026-11-24T15:01:48Z'

export function defaultUsers(): User[] {
  return [
    user(1, 'admin', 'Redmine Admin', { admin: true, member: false }),
    user(5, 'robot', 'Robby Robot'),
    user(6, 'mia', 'Mia Krystof'),
    user(7, 'editor', 'editor X', { may: { edit: true, addNotes: false } }),
    user(8, 'viewer', 'viewer X', { may: { edit: false, addNotes: false } }),
  ]
}

function user(id: number, login: string, names: string, fields: Partial<User> = {}): User {
  const [firstname = '', lastname = ''] = names.split(' ')
  return {
    id,
    login,
    firstname,
    lastname,
    mail: `${login}@example.com`,
    key: `${login}-key-0123456789abcdef`,
    admin: false,
    member: true,
    may: { edit: true, addNotes: true },
    ...fields,
  }
}

export function fullName({ id, firstname, lastname }: User): Named {
  return { id, name: `${firstname} ${lastname}` }
}

/** Lists the users that contain a text. */
export function listUsers(users: User[], text: string): object {
  const found = users.filter(({ login, firstname, lastname, mail }) =>
    [login, firstname, lastname, mail].some((field) => field.includes(text)),
  )
  const listed = found.map((user) => ({ ...accountOf(user), mail: user.mail, status: 1 }))
  return { users: listed, total_count: listed.length, offset: 0, limit: 100 }
}

export function listMemberships(users: User[], query: URLSearchParams): object {
  const offset = Number(query.get('offset') ?? 0)
  const limit = Math.min(100, Number(query.get('limit') ?? 25))
  const members = users.filter(({ member }) => member)
  const memberships = members.map((user, index) => ({
    id: index + 1,
    project: { id: project.id, name: project.name },
    user: fullName(user),
    roles: [{ id: 3, name: 'Manager' }],
  }))
  return { memberships: memberships.slice(offset, offset + limit), total_count: members.length, offset, limit }
}

export function accountOf({ id, login, admin, firstname, lastname }: User): object {
  const times = { created_on: CREATED_ON, updated_on: CREATED_ON, last_login_on: null, passwd_changed_on: CREATED_ON }
  return { id, login, admin, firstname, lastname, ...times, twofa_scheme: null }
}
