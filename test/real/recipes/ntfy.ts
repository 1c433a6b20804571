import { messageRecipe } from '../../recipes/recipe.ts'

export const ntfyByHttp = messageRecipe({
  name: 'ntfy by http',
  page: 'ntfy',
  category: 'notification',
  values: ({ words }) => ({ '<token>': String(words['token']) }),
  input: { text: 'Größe und ✓' },
  async count({ url, words }) {
    const headers = { authorization: `Bearer ${words['token']}` }
    const lines = await (await fetch(`${url}/deploys/json?poll=1`, { headers })).text()
    return lines.split('\n').filter(Boolean).length
  },
  wrongCredentials: { placeholder: '<token>', words: /unauthorized/i },
})
