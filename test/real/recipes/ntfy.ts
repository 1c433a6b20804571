import { messageRecipe } from '../../recipes/recipe.ts'

export const ntfyByHttp = messageRecipe({
  name: 'ntfy by http',
  page: 'ntfy',
  category: 'notification',
  values: ({ details }) => ({ '<token>': String(details['token']) }),
  // Not ASCII: the server must get UTF-8.
  input: { text: 'Café and ✓' },
  async count({ url, details }) {
    const headers = { authorization: `Bearer ${details['token']}` }
    const lines = await (await fetch(`${url}/deploys/json?poll=1`, { headers })).text()
    return lines.split('\n').filter(Boolean).length
  },
  wrongCredentials: { placeholder: '<token>', message: /unauthorized/i },
})
