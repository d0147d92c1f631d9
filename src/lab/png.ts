// SVG to PNG, with the typeface that the package brings: the same bytes on every machine.

/** Twice the size in points, for screens that have more. */
const WIDTH_PIXELS = 1920

/** `fontFiles`: where the typeface is. */
export async function pngOf(svg: string, fontFiles: readonly string[]): Promise<Buffer> {
  const { Resvg } = await import('@resvg/resvg-js')
  const resvg = new Resvg(svg, {
    fitTo: { mode: 'width', value: WIDTH_PIXELS },
    font: { fontFiles: [...fontFiles], loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' },
  })
  return resvg.render().asPng()
}
