-- Columns of the tables in Quarto's PDF: as wide as what they say, where pandoc's widths are those of the source's dashes.
-- In ems of the tables' face: a page has 55 of them, a column's padding is 1.1, and words of up to 7 stay on one line.
local room, padding, short = 55, 1.1, 7

-- width of a text, and of what in it is not broken over two lines; Chinese breaks after any character
local function widths(words)
  local whole, run, longest = 0, 0, 0
  for _, code in utf8.codes(words) do
    local width = code >= 0x2e80 and 1 or 0.6
    whole = whole + width
    run = (code == 32 or code >= 0x2e80) and 0 or run + width
    longest = math.max(longest, run)
  end
  return whole, longest
end

local function column(rows, index)
  local longest, least, squares = 1, 1, 0
  for _, row in ipairs(rows) do
    local cell = row.cells[index]
    local whole, word = widths(cell and pandoc.utils.stringify(cell.contents) or "")
    longest, least, squares = math.max(longest, whole), math.max(least, word), squares + whole ^ 2
  end
  least = math.min(longest, math.max(least, short))
  return { longest = longest, least = least, wish = math.max(0, math.sqrt(squares / #rows) - least) }
end

local function set(tbl)
  local rows = pandoc.List({})
  rows:extend(tbl.head.rows)
  for _, body in ipairs(tbl.bodies) do
    rows:extend(body.head)
    rows:extend(body.body)
  end
  if #rows == 0 then return nil end
  local columns, free, spare, wish = {}, room, room, 0
  for index = 1, #tbl.colspecs do
    local each = column(rows, index)
    columns[index] = each
    free, spare, wish = free - each.longest - padding, spare - each.least - padding, wish + each.wish
  end
  local shares, sum = {}, 0
  for index, each in ipairs(columns) do
    shares[index] = each.least + padding + math.max(0, spare) * (wish > 0 and each.wish / wish or 0)
    sum = sum + shares[index]
  end
  tbl.colspecs = pandoc.List(tbl.colspecs):map(function(spec, index)
    return { spec[1], free < 0 and shares[index] / sum or nil }
  end)
  return tbl
end

if quarto.doc.is_format("typst") then return { { Table = set } } end
