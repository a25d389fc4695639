"""Short, friendly, unmistakable words for names that are drawn per learner. Their order must not change: a learner's
values are drawn again from the same seed.
"""

_TEXT = """
acorn amber anchor apple arrow aspen badge bamboo basil beacon birch bison breeze brook button canyon cedar cello
cherry cliff clover cobalt comet copper coral cotton cricket crystal daisy delta dingo dragon drum eagle ember
falcon feather fern fiddle finch fjord flint forest fossil garnet ginger glacier granite gravel hazel heron hickory
holly honey indigo island ivory jasmine jasper jungle juniper kestrel kettle koala lagoon lantern lark lemon lilac
linen lotus maple marble meadow mango mimosa mint mosaic nectar nutmeg oak oasis olive onyx opal orchid otter
pebble pepper petal pine planet plum poppy prairie puffin quartz quill rabbit raven reed river robin saffron sage
salmon sierra silver sparrow spruce summit sunset tango teal thistle thunder tiger topaz tulip tundra valley velvet
violet walnut willow winter yarrow zebra zephyr
"""
WORDS = tuple(_TEXT.split())
