import click


@click.command()
def dev(): ...
