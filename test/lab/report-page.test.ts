// The report as a browser shows it: on a screen, on a phone, in the dark, from the keyboard.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContextOptions, chromium as driver } from 'playwright-core'
import { chartsOf, pngOf, type Run, reportPage, standaloneSvg } from '../../src/lab/index.ts'
import { runOf } from './small-run.ts'

let browser: Browser
let run: Run
let folder: string
let url: string

before(async () => {
  run = await runOf('bp-10000-4shards', { scale: 0.02 })
  folder = mkdtempSync(join(tmpdir(), 'headgate-report-'))
  const path = join(folder, 'report.html')
  writeFileSync(path, await reportPage([run, run], { heading: 'two <runs>', hasPictures: true }))
  url = pathToFileURL(path).href
  const executablePath = await chromium.executablePath()
  // In one process the browser ends with its first page.
  const args = chromium.args.filter((arg) => arg !== '--single-process')
  browser = await driver.launch({ executablePath, args, headless: true })
})

after(async () => {
  await browser.close()
  rmSync(folder, { recursive: true })
})

async function opened(options: BrowserContextOptions) {
  const page = await browser.newPage(options)
  const asked: string[] = []
  const said: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('console', (message) => said.push(message.text()))
  page.on('pageerror', (error) => said.push(error.message))
  await page.goto(url)
  return { page, asked, said }
}

test('it is one file that asks for nothing else, and complains of nothing', async () => {
  const { page, asked, said } = await opened({})

  assert.deepEqual([asked, said], [[url], []])
  assert.equal(await page.title(), 'two <runs>')
  await page.close()
})

test('on a phone the page does not scroll sideways; what is wide scrolls by itself', async () => {
  const { page } = await opened({ viewport: { width: 360, height: 740 } })

  const overflow = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  const wide = await page.locator('.wide').count()
  assert.equal(overflow, 0)
  assert.ok(wide > 10)
  await page.close()
})

test('every picture has a name and a description, and every id is there once', async () => {
  const { page } = await opened({})

  const pictures = await page.getByRole('img').count()
  const named = await page.getByRole('img', { name: /Response time/ }).count()
  const ids = (await page.evaluate(
    'Array.from(document.querySelectorAll("[id]"), (element) => element.id)',
  )) as string[]
  assert.equal(pictures, await page.locator('svg').count())
  assert.ok(pictures >= 12 && named >= 2)
  assert.equal(new Set(ids).size, ids.length)
  await page.close()
})

test('from the keyboard one reaches the links, the wide parts and what is folded', async () => {
  const { page } = await opened({})

  const reached = new Set<string>()
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab')
    reached.add((await page.evaluate('document.activeElement.tagName')) as string)
  }
  assert.deepEqual([...reached].sort().slice(0, 2), ['A', 'DIV'])
  await page.close()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`text and lines stand out from the paper, ${colorScheme}`, async () => {
    const { page } = await opened({ colorScheme })

    const colours = (await page.evaluate(`(() => {
      const style = getComputedStyle(document.documentElement)
      const names = ['paper', 'ink', 'faint', 'blue', 'orange', 'green', 'purple', 'red', 'grey']
      return Object.fromEntries(names.map((name) => [name, style.getPropertyValue('--' + name)]))
    })()`)) as Record<string, string>
    const { paper, ...others } = colours
    // WCAG 2.2: 4.5 for text; 3 would do for lines.
    for (const [name, colour] of Object.entries(others)) {
      const ratio = contrast(colour, paper!)
      assert.ok(ratio >= 4.5, `${name} ${colour} on ${paper}: ${ratio.toFixed(2)}`)
    }
    await page.close()
  })
}

test('a file of its own has its colours, its name, and is the same PNG each time', async () => {
  const [chart] = await chartsOf(run)
  const svg = standaloneSvg(chart!)
  const fonts = [new URL(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')).pathname]

  const [one, two] = await Promise.all([pngOf(svg, fonts), pngOf(svg, fonts)])

  assert.ok(!svg.includes('var(--') && svg.includes('<title>Response time'))
  assert.equal(one!.subarray(1, 4).toString(), 'PNG')
  assert.ok(one!.equals(two!))
  assert.ok(!(await pngOf(svg, [])).equals(one!), 'the typeface is drawn')
})

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light! + 0.05) / (dark! + 0.05)
}

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const hex = colour.trim().replace('#', '')
  const whole = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex
  const [r, g, b] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(whole.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
