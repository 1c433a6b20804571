import { useData, useRoute, withBase } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { nextTick, onMounted, watch } from 'vue'
import './style.css'

/** Draws the diagrams of the current page. Only pages with diagrams load the script, which has 3 MB. */
async function drawDiagrams(isDark) {
  const diagrams = document.querySelectorAll('pre.mermaid')
  if (diagrams.length === 0) return
  window.mermaid ?? (await loadScript(withBase('/mermaid.js')))
  const themeVariables = isDark ? { edgeLabelBackground: '#333' } : {}
  window.mermaid.initialize({ startOnLoad: false, theme: isDark ? 'dark' : 'default', themeVariables })
  for (const diagram of diagrams) {
    diagram.dataset.source ??= diagram.textContent
    diagram.textContent = diagram.dataset.source
    delete diagram.dataset.processed
  }
  await window.mermaid.run({ nodes: diagrams })
}

function loadScript(src) {
  return new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject }))
  })
}

export default {
  extends: DefaultTheme,
  setup() {
    const route = useRoute()
    const { isDark, frontmatter } = useData()
    const draw = async () => {
      await nextTick()
      // The home page has no landmark of its own.
      document.getElementById('VPContent').role = frontmatter.value.layout === 'home' ? 'main' : null
      await drawDiagrams(isDark.value)
    }
    onMounted(draw)
    watch([() => route.path, isDark], draw)
  },
}
