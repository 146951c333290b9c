"""The demo shop: three products, a basket, and payments taken through `tkkpg.client`.

It is the example of how a merchant uses the kit, so it knows nothing of the gateway beside what
the client offers. What is worth copying:

- `checkout`: create an order, send the payer away, and find out what really happened. Neither the
  browser's message nor the notification is believed; both only lead to the question that counts.
- `verdicts`: what each order status means to a shop.
- `orders`: which facts a shop has to keep, and that they outlive a restart.
- `app`: the return address names the shop's own order, because the payer's cookie does not come
  along with the bank's form.
"""
