/** The pages of the guide: accessibility and layout. */
import axe from 'axe-core'
import { describe, expect, test } from 'vitest'
import { readGuide } from '../../scripts/guide/chapters.ts'
import { hasChromium } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

const desk = { width: 1440, height: 900 }
const phone = { width: 390, height: 844 }

describe.skipIf(!hasChromium)(inChromium('every page of the guide'), () => {
  const site = useSite()

  test('scrolls sideways on no page', async () => {
    const { page, faults } = await site.tab({ viewport: phone })
    const wide: string[] = []
    for (const { url } of readGuide()) {
      await page.goto(url)
      const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement)
      if (scrollWidth > clientWidth) wide.push(`${url}: ${scrollWidth - clientWidth} px`)
    }
    expect(wide).toEqual([])
    expect(faults).toEqual([])
  })

  test.each([
    ['light', desk],
    ['dark', desk],
    ['light', phone],
    ['dark', phone],
  ] as const)('has no accessibility violation in %s mode at %o', async (colorScheme, viewport) => {
    const { page } = await site.tab({ colorScheme, viewport })
    for (const path of [
      '/docs/guide',
      '/docs/guide/keys',
      '/docs/guide/errors',
      '/docs/guide/decisions/0011-epochs',
    ]) {
      await page.goto(path)
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }),
      )
      expect(violations.map(({ id, nodes }) => ({ path, id, at: nodes[0]?.target }))).toEqual([])
    }
  })
})
