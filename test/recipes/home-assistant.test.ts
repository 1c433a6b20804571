import { startHomeAssistant } from '../../infra/platforms/home-assistant.ts'
import { messageRecipe } from './recipe.ts'
import { tryFake } from './try-fake.ts'

const server = await startHomeAssistant()

const homeAssistant = messageRecipe({
  name: 'Home Assistant',
  page: 'home-assistant',
  category: 'notification',
  runtime: { timeScale: 60 },
  values: ({ url }) => ({
    'https://home-assistant.example.com': url,
    '<token>': server.token,
    '<service>': 'mobile_app_phone',
  }),
  input: { text: 'Größe und ✓' },
  count: async () => server.state.notifications.length,
  wrongCredentials: { placeholder: '<token>', words: /401: Unauthorized/ },
})

await tryFake(homeAssistant, server)
