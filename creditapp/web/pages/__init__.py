from flask import Flask, Blueprint
def register(app: Flask) -> None:
    for n,e,u in (("overview","index","/credits"),("auth","sign_in","/sign-in"),("packages","index","/credits/packages"),("purchases","show","/credits/checkouts/<int:checkout_id>")):
        bp=Blueprint(n,__name__); bp.add_url_rule(u,e,lambda **k:"x"); app.register_blueprint(bp)
